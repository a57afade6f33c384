/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LLVM: verify, optimise, generate. And the entry points of the library.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include "softgpu/jit/lower.h"

/* Instructions from which on code is generated in a hurry. */
#define EMIT_LARGE 1500
#define EMIT_HUGE 6000

static const struct emit_isa {
	const char *cpu, *features;
} emit_isas[] = {
	[SG_JIT_ISA_SSE4] = { "x86-64-v2", "" },
	[SG_JIT_ISA_AVX2] = { "x86-64-v3", "" },
	[SG_JIT_ISA_AVX512] = { "x86-64-v4", "" },
};

static void emit_init(void)
{
	LLVMInitializeX86TargetInfo();
	LLVMInitializeX86Target();
	LLVMInitializeX86TargetMC();
	LLVMInitializeX86AsmPrinter();
}

static LLVMTargetMachineRef emit_machine(const struct jit_lower *l)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint32_t isa = l->f->rq->isa, size = l->f->ninsns;
	char *triple = LLVMGetDefaultTargetTriple(), *cpu, *features, *error = NULL;
	LLVMTargetMachineRef tm = NULL;
	LLVMTargetRef target;

	pthread_once(&once, emit_init);
	cpu = isa ? LLVMCreateMessage(emit_isas[isa].cpu) : LLVMGetHostCPUName();
	features = isa ? LLVMCreateMessage(emit_isas[isa].features) : LLVMGetHostCPUFeatures();
	if (!LLVMGetTargetFromTriple(triple, &target, &error))
		tm = LLVMCreateTargetMachine(target, triple, cpu, features,
					     size > EMIT_HUGE ? LLVMCodeGenLevelNone :
					     size > EMIT_LARGE ? LLVMCodeGenLevelLess :
								 LLVMCodeGenLevelDefault,
					     LLVMRelocPIC, LLVMCodeModelSmall);
	LLVMDisposeMessage(error);
	LLVMDisposeMessage(triple);
	LLVMDisposeMessage(cpu);
	LLVMDisposeMessage(features);
	return tm;
}

static bool emit_passes(struct jit_lower *l, LLVMTargetMachineRef tm)
{
	const char *passes = l->f->ninsns > EMIT_LARGE ?
		"function(sroa,early-cse,instcombine,simplifycfg,dce)" :
		"function(sroa,early-cse<memssa>,simplifycfg,instcombine,gvn,jump-threading,"
		"simplifycfg,loop-mssa(licm),instcombine,gvn,dse,simplifycfg,dce)";
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef err = LLVMRunPasses(l->m, passes, tm, options);

	LLVMDisposePassBuilderOptions(options);
	if (!err)
		return true;
	LLVMConsumeError(err);
	return jit_refuse(l->f, "LLVM's passes failed");
}

static void emit_dump(struct jit_lower *l, LLVMTargetMachineRef tm)
{
	LLVMMemoryBufferRef asm_text;
	struct sg_jit_request *rq = l->f->rq;
	char *text, *error = NULL;

	if (rq->dump & SG_JIT_DUMP_LLVM) {
		text = LLVMPrintModuleToString(l->m);
		rq->dump_text = strdup(text);
		LLVMDisposeMessage(text);
	} else if (rq->dump & SG_JIT_DUMP_ASM) {
		LLVMModuleRef copy = LLVMCloneModule(l->m);

		if (!LLVMTargetMachineEmitToMemoryBuffer(tm, copy, LLVMAssemblyFile, &error,
							 &asm_text)) {
			rq->dump_text = strdup(LLVMGetBufferStart(asm_text));
			LLVMDisposeMemoryBuffer(asm_text);
		}
		LLVMDisposeMessage(error);
		LLVMDisposeModule(copy);
	}
}

LLVMMemoryBufferRef jit_emit(struct jit_lower *l)
{
	LLVMTargetMachineRef tm = emit_machine(l);
	LLVMMemoryBufferRef object = NULL;
	LLVMTargetDataRef layout;
	char *error = NULL, *triple;

	if (!tm) {
		jit_refuse(l->f, "no target machine");
		return NULL;
	}
	layout = LLVMCreateTargetDataLayout(tm);
	LLVMSetModuleDataLayout(l->m, layout);
	LLVMDisposeTargetData(layout);
	triple = LLVMGetTargetMachineTriple(tm);
	LLVMSetTarget(l->m, triple);
	LLVMDisposeMessage(triple);
	if (LLVMVerifyModule(l->m, LLVMReturnStatusAction, &error)) {
		jit_refuse(l->f, "bad code: %.100s", error);
	} else if (emit_passes(l, tm)) {
		emit_dump(l, tm);
		LLVMDisposeMessage(error);
		error = NULL;
		if (LLVMTargetMachineEmitToMemoryBuffer(tm, l->m, LLVMObjectFile, &error,
							&object)) {
			jit_refuse(l->f, "no code: %.100s", error);
			object = NULL;
		}
	}
	LLVMDisposeMessage(error);
	LLVMDisposeTargetMachine(tm);
	return object;
}

static int emit_compile(struct sg_jit_request *rq, struct sg_jit_image **ret_image)
{
	struct jit_func f = { .rq = rq };
	int rc = -ENOMEM;

	rq->reason[0] = '\0';
	if (jit_flatten(&f) && jit_order(&f) && jit_live(&f)) {
		jit_choose_ftz(&f);
		if (jit_lazy_nans(&f) && jit_shapes(&f) && jit_pending(&f))
			rc = jit_lower(&f, ret_image);
	}
	jit_func_free(&f);
	return rc == -ENOMEM && rq->reason[0] ? -ENOTSUP : rc;
}

/**
 * sg_jit_compiler() - What this library does; found by name
 *
 * Return: a table that lives as long as the library.
 */
__attribute__((visibility("default"))) const struct sg_jit_compiler *sg_jit_compiler(void)
{
	static const struct sg_jit_compiler table = {
		.version = SG_JIT_VERSION,
		.compile = emit_compile,
	};

	return &table;
}
