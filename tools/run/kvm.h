/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether /dev/kvm can run Linux.
 */
#ifndef TOOLS_RUN_KVM_H
#define TOOLS_RUN_KVM_H

/**
 * enum ct_kvm - What the probe found
 * @CT_KVM_OK:		a guest with paging ran
 * @CT_KVM_ABSENT:	there is no /dev/kvm
 * @CT_KVM_DENIED:	this user may not open it
 * @CT_KVM_UNFIT:	it is there, but it does not run a guest as Linux needs it
 *			(a software KVM, or nested without hardware help)
 */
enum ct_kvm {
	CT_KVM_OK,
	CT_KVM_ABSENT,
	CT_KVM_DENIED,
	CT_KVM_UNFIT,
};

/**
 * ct_kvm_probe() - Run a guest of a few bytes and see
 *
 * Takes a few milliseconds, and never more than a second: the guest runs in a
 * child that is killed where it does not come back.
 *
 * Return: what was found.
 */
enum ct_kvm ct_kvm_probe(void);

#endif
