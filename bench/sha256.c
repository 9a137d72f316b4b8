// The baseline of `trellis bench tinychain` for mining: SHA-256d of headers by OpenSSL.
//
//   cc -O2 -o sha256 sha256.c -lcrypto && ./sha256 NONCES [RUNS]
//
// The header is the bytes 0, 1, 2 … 171 and the nonce, 8 bytes little-endian, tried from 0 up. Like a
// miner, it compresses the first 128 bytes once, and two blocks for a nonce. Printed are the seconds of
// the fastest run and the nonce of the least hash, read as a big-endian number.

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t least_hash(uint64_t nonces) {
  // Bytes 180 to 191 are the padding: a one bit, zeros, the length of 1,440 bits.
  uint8_t header[192] = {[180] = 0x80, [190] = 1440 >> 8, [191] = 1440 & 255};
  for (int i = 0; i < 172; i++) header[i] = (uint8_t)i;
  SHA256_CTX middle;
  SHA256_Init(&middle);
  SHA256_Transform(&middle, header);
  SHA256_Transform(&middle, header + 64);
  SHA256_CTX initial;
  SHA256_Init(&initial);
  uint8_t digest[64] = {[32] = 0x80, [62] = 256 >> 8};
  uint32_t least[8];
  memset(least, 0xff, sizeof least);
  uint64_t found = 0;
  for (uint64_t nonce = 0; nonce < nonces; nonce++) {
    for (int i = 0; i < 8; i++) header[172 + i] = (uint8_t)(nonce >> 8 * i);
    SHA256_CTX context = middle;
    SHA256_Transform(&context, header + 128);
    for (int i = 0; i < 8; i++) {
      const uint32_t word = __builtin_bswap32(context.h[i]);
      memcpy(digest + 4 * i, &word, 4);
    }
    context = initial;
    SHA256_Transform(&context, digest);
    int i = 0;
    while (i < 7 && context.h[i] == least[i]) i++;
    if (context.h[i] < least[i]) {
      memcpy(least, context.h, sizeof least);
      found = nonce;
    }
  }
  return found;
}

int main(int count, char **words) {
  if (count < 2) {
    fprintf(stderr, "usage: sha256 NONCES [RUNS]\n");
    return 1;
  }
  const uint64_t nonces = strtoull(words[1], NULL, 10);
  double best = 1e9;
  uint64_t found = 0;
  for (int run = count > 2 ? atoi(words[2]) : 1; run > 0; run--) {
    struct timespec start, stop;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    found = least_hash(nonces);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &stop);
    const double seconds =
      (double)(stop.tv_sec - start.tv_sec) + (double)(stop.tv_nsec - start.tv_nsec) / 1e9;
    if (seconds < best) best = seconds;
  }
  printf("%.9f %llu\n", best, (unsigned long long)found);
}
