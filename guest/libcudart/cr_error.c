/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: the last one per thread, names, texts, numbers of old versions.
 *
 * Inside the library an error is an int with today's numbers, which are the
 * driver's. They become the caller's numbers in one place, cr_ret().
 */
#include "cr.h"

#include "cw/log.h"

static const struct cr_error {
	int number;
	int old; /* before CUDA 10.1; -1 where there was none */
	const char *name;
	const char *text;
} cr_errors[] = {
#define CR_ERROR(name, number, old, text) { number, old, #name, text },
	CW_CUDART_ERRORS(CR_ERROR)
#undef CR_ERROR
};

static const struct cr_error *cr_error_find(int number)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(cr_errors); i++) {
		if (cr_errors[i].number == number)
			return &cr_errors[i];
	}
	return NULL;
}

/**
 * cr_error_to_old() - Number of an error before CUDA 10.1
 *
 * Return: that number; 30 (unknown) where the error came later.
 */
int cr_error_to_old(int err)
{
	const struct cr_error *e = cr_error_find(err);

	return e && e->old >= 0 ? e->old : 30;
}

/**
 * cr_error_from_old() - Today's number of an error of before CUDA 10.1
 *
 * Return: today's number, or -1 for a number that was none.
 */
int cr_error_from_old(int err)
{
	for (size_t i = 0; i < CW_ARRAY_SIZE(cr_errors); i++) {
		if (cr_errors[i].old == err)
			return cr_errors[i].number;
	}
	return -1;
}

/* Errors after which a context answers nothing else until it is reset. */
static bool cr_error_sticky(int err)
{
	switch (err) {
	case cudaErrorECCUncorrectable:
	case cudaErrorIllegalAddress:
	case cudaErrorLaunchTimeout:
	case cudaErrorAssert:
	case cudaErrorHardwareStackError:
	case cudaErrorIllegalInstruction:
	case cudaErrorMisalignedAddress:
	case cudaErrorInvalidAddressSpace:
	case cudaErrorInvalidPc:
	case cudaErrorLaunchFailure:
		return true;
	default:
		return false;
	}
}

static cudaError_t cr_for_caller(int err)
{
	return cr_era < CR_V10_1 ? cr_error_to_old(err) : err;
}

/**
 * cr_ret() - Result of an API call
 * @err:	CUresult or cudaError, today's numbers
 *
 * Return: @err in the caller's numbers; noted as the thread's last error.
 */
cudaError_t cr_ret(int err)
{
	if (__builtin_expect(!err, 1))
		return cudaSuccess;
	cr_thread()->last = err;
	return cr_for_caller(err);
}

cudaError_t cudaPeekAtLastError(void)
{
	return cr_for_caller(cr_thread()->last);
}

cudaError_t cudaGetLastError(void)
{
	struct cr_thread *t = cr_thread();
	cudaError_t err = t->last;

	/* A sticky error stays until cudaDeviceReset(). */
	if (!cr_error_sticky(err))
		t->last = cudaSuccess;
	return cr_for_caller(err);
}

static const struct cr_error *cr_error_of_caller(int err)
{
	return cr_error_find(cr_era < CR_V10_1 ? cr_error_from_old(err) : err);
}

const char *cudaGetErrorName(cudaError_t error)
{
	const struct cr_error *e = cr_error_of_caller(error);

	return e ? e->name : "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
	const struct cr_error *e = cr_error_of_caller(error);

	return e ? e->text : "unrecognized error code";
}

/**
 * cr_not_supported() - Answer of every function that is only exported
 * @name:	the function, from its entry in exports.def
 */
cudaError_t cr_not_supported(const char *name)
{
	static const char *seen[512];

	/* Once per name; a race prints a line twice, which does no harm. */
	for (size_t i = 0; i < CW_ARRAY_SIZE(seen) && seen[i] != name; i++) {
		if (!seen[i]) {
			seen[i] = name;
			cw_warn("function not supported name=%s", name);
			break;
		}
	}
	return cr_ret(cudaErrorNotSupported);
}
