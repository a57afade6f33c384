// SPDX-License-Identifier: Apache-2.0
// N bodies, all pairs, tiles of positions in shared memory.
#include <cuda_runtime.h>
#include <math.h>

#include "prog.h"

#define BLOCK 64
#define SOFTENING 0.01f

__global__ void step(const float4 *pos, float4 *vel, float4 *out, int n, float dt)
{
	__shared__ float4 tile[BLOCK];
	int i = blockIdx.x * BLOCK + threadIdx.x;
	float4 p = pos[i];
	float ax = 0, ay = 0, az = 0;

	for (int t = 0; t < n; t += BLOCK) {
		tile[threadIdx.x] = pos[t + threadIdx.x];
		__syncthreads();
		for (int k = 0; k < BLOCK; k++) {
			float dx = tile[k].x - p.x, dy = tile[k].y - p.y, dz = tile[k].z - p.z;
			float r2 = dx * dx + dy * dy + dz * dz + SOFTENING;
			float inv = 1.0f / sqrtf(r2);
			float f = tile[k].w * inv * inv * inv;

			ax += dx * f;
			ay += dy * f;
			az += dz * f;
		}
		__syncthreads();
	}
	float4 v = vel[i];

	v = make_float4(v.x + ax * dt, v.y + ay * dt, v.z + az * dt, 0);
	vel[i] = v;
	out[i] = make_float4(p.x + v.x * dt, p.y + v.y * dt, p.z + v.z * dt, p.w);
}

// The same in double: what single precision may differ from.
static void reference(double (*p)[4], double (*v)[3], double (*out)[4], int n, double dt)
{
	for (int i = 0; i < n; i++) {
		double a[3] = { 0, 0, 0 };

		for (int k = 0; k < n; k++) {
			double d[3], r2 = SOFTENING;

			for (int c = 0; c < 3; c++) {
				d[c] = p[k][c] - p[i][c];
				r2 += d[c] * d[c];
			}
			for (int c = 0; c < 3; c++)
				a[c] += d[c] * p[k][3] / (r2 * sqrt(r2));
		}
		for (int c = 0; c < 3; c++) {
			v[i][c] += a[c] * dt;
			out[i][c] = p[i][c] + v[i][c] * dt;
		}
		out[i][3] = p[i][3];
	}
}

int main(int argc, char **argv)
{
	int n = (prog_begin(argc, argv, "nbody", 256) + BLOCK - 1) / BLOCK * BLOCK;
	const int steps = 4;
	float4 *pos = (float4 *)calloc(n, sizeof(float4)), *d[2], *dvel;
	double(*p)[4] = (double(*)[4])calloc(n, sizeof(*p));
	double(*q)[4] = (double(*)[4])calloc(n, sizeof(*q));
	double(*v)[3] = (double(*)[3])calloc(n, sizeof(*v));
	unsigned long long seed = 5;
	double worst = 0;

	for (int i = 0; i < n; i++) {
		float *f = &pos[i].x;

		for (int c = 0; c < 4; c++)
			p[i][c] = f[c] = (float)(prog_random(&seed) % 1000) / 1000.0f;
	}
	CUDA(cudaMalloc(&d[0], n * sizeof(float4)));
	CUDA(cudaMalloc(&d[1], n * sizeof(float4)));
	CUDA(cudaMalloc(&dvel, n * sizeof(float4)));
	CUDA(cudaMemcpy(d[0], pos, n * sizeof(float4), cudaMemcpyHostToDevice));
	CUDA(cudaMemset(dvel, 0, n * sizeof(float4)));
	for (int s = 0; s < steps; s++) {
		step<<<n / BLOCK, BLOCK>>>(d[s & 1], dvel, d[~s & 1], n, 0.001f);
		reference(s & 1 ? q : p, v, s & 1 ? p : q, n, 0.001);
	}
	CUDA(cudaGetLastError());
	CUDA(cudaMemcpy(pos, d[steps & 1], n * sizeof(float4), cudaMemcpyDeviceToHost));
	for (int i = 0; i < n; i++) {
		const float *f = &pos[i].x;

		for (int c = 0; c < 3; c++)
			worst = fmax(worst, fabs(f[c] - p[i][c]));
	}
	CHECK(worst < 1e-4);
	prog_int("n", n);
	prog_int("steps", steps);
	return prog_end();
}
