/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device code: atomic functions, relaxed, of the device's scope.
 *
 * They are clang's builtins for generic addresses; the back end chooses the
 * address space. Where PTX has no such operation they loop over cas.
 */
#ifndef CAUSEWAY_ATOMICS_H
#define CAUSEWAY_ATOMICS_H

#define CW_ATOMIC(fn, type, raw, builtin)                                                          \
	CW_DEVICE type fn(type *p, type v) { return (type)builtin((volatile raw *)p, (raw)v); }

CW_ATOMIC(atomicAdd, int, int, __nvvm_atom_add_gen_i)
CW_ATOMIC(atomicAdd, unsigned int, int, __nvvm_atom_add_gen_i)
CW_ATOMIC(atomicAdd, unsigned long long, long long, __nvvm_atom_add_gen_ll)
CW_ATOMIC(atomicAdd, float, float, __nvvm_atom_add_gen_f)
CW_ATOMIC(atomicAdd, double, double, __nvvm_atom_add_gen_d)
CW_ATOMIC(atomicMin, int, int, __nvvm_atom_min_gen_i)
CW_ATOMIC(atomicMin, unsigned int, unsigned int, __nvvm_atom_min_gen_ui)
CW_ATOMIC(atomicMin, long long, long long, __nvvm_atom_min_gen_ll)
CW_ATOMIC(atomicMin, unsigned long long, unsigned long long, __nvvm_atom_min_gen_ull)
CW_ATOMIC(atomicMax, int, int, __nvvm_atom_max_gen_i)
CW_ATOMIC(atomicMax, unsigned int, unsigned int, __nvvm_atom_max_gen_ui)
CW_ATOMIC(atomicMax, long long, long long, __nvvm_atom_max_gen_ll)
CW_ATOMIC(atomicMax, unsigned long long, unsigned long long, __nvvm_atom_max_gen_ull)
CW_ATOMIC(atomicExch, int, int, __nvvm_atom_xchg_gen_i)
CW_ATOMIC(atomicExch, unsigned int, int, __nvvm_atom_xchg_gen_i)
CW_ATOMIC(atomicExch, unsigned long long, long long, __nvvm_atom_xchg_gen_ll)
CW_ATOMIC(atomicAnd, int, int, __nvvm_atom_and_gen_i)
CW_ATOMIC(atomicAnd, unsigned int, int, __nvvm_atom_and_gen_i)
CW_ATOMIC(atomicAnd, unsigned long long, long long, __nvvm_atom_and_gen_ll)
CW_ATOMIC(atomicOr, int, int, __nvvm_atom_or_gen_i)
CW_ATOMIC(atomicOr, unsigned int, int, __nvvm_atom_or_gen_i)
CW_ATOMIC(atomicOr, unsigned long long, long long, __nvvm_atom_or_gen_ll)
CW_ATOMIC(atomicXor, int, int, __nvvm_atom_xor_gen_i)
CW_ATOMIC(atomicXor, unsigned int, int, __nvvm_atom_xor_gen_i)
CW_ATOMIC(atomicXor, unsigned long long, long long, __nvvm_atom_xor_gen_ll)
CW_ATOMIC(atomicInc, unsigned int, unsigned int, __nvvm_atom_inc_gen_ui)
CW_ATOMIC(atomicDec, unsigned int, unsigned int, __nvvm_atom_dec_gen_ui)
#undef CW_ATOMIC

CW_DEVICE int atomicSub(int *p, int v) { return atomicAdd(p, -v); }
CW_DEVICE unsigned int atomicSub(unsigned int *p, unsigned int v) { return atomicAdd(p, 0u - v); }

CW_DEVICE float atomicExch(float *p, float v)
{
	return __builtin_bit_cast(float, atomicExch((int *)p, __builtin_bit_cast(int, v)));
}

CW_DEVICE int atomicCAS(int *p, int cmp, int v) { return __nvvm_atom_cas_gen_i(p, cmp, v); }
CW_DEVICE unsigned int atomicCAS(unsigned int *p, unsigned int cmp, unsigned int v)
{
	return (unsigned int)__nvvm_atom_cas_gen_i((volatile int *)p, (int)cmp, (int)v);
}
CW_DEVICE unsigned long long atomicCAS(unsigned long long *p, unsigned long long cmp,
				       unsigned long long v)
{
	return (unsigned long long)__nvvm_atom_cas_gen_ll((volatile long long *)p, (long long)cmp,
							  (long long)v);
}

#endif
