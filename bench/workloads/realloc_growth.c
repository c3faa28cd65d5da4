// What do vectors cost that realloc grows side by side, small ones and some of many megabytes?
#include "work.h"

enum { vectors_full = 8 * 1000, growing_vectors = 48, bytes_first = 32, bits_min = 7, bits_max = 25 };

typedef struct {
  uint32_t* elements;
  size_t bytes;
  size_t bytes_wanted;
} Vector;

static Arguments arguments;

// Writes a word of every cache line, the line's number.
static void fill(Vector* vector, size_t from) {
  for (size_t i = from; i < vector->bytes; i += 64) vector->elements[i / sizeof(uint32_t)] = (uint32_t)(i / 64);
}

static void check_contents(const Vector* vector) {
  for (size_t i = 0; i < vector->bytes; i += 64 + vector->bytes / 1024 * 64) {
    check(vector->elements[i / sizeof(uint32_t)] == (uint32_t)(i / 64), "a vector lost its contents");
  }
}

static void end(Vector* vector) {
  check_contents(vector);
  free(vector->elements);
  *vector = (Vector){NULL, 0, 0};
}

static void grow(Vector* vector, Random* random) {
  const size_t filled = (vector->bytes + 63) / 64 * 64;
  if (vector->elements == NULL) {
    // Drawn twice, so that most vectors stay small.
    vector->bytes_wanted = next_size_even(random, bits_min, bits_min + 1 + next_below(random, bits_max - bits_min));
    vector->bytes = bytes_first;
  } else {
    vector->bytes += vector->bytes / 2;
  }
  uint32_t* elements = realloc(vector->elements, vector->bytes);
  check(elements != NULL, "no memory");
  vector->elements = elements;
  fill(vector, filled);
}

static void work(int index) {
  Vector vectors[growing_vectors] = {{NULL, 0, 0}};
  Random random = random_of((uint64_t)index);
  const long ends = scaled_share(&arguments, vectors_full);
  for (long ended = 0; ended < ends;) {
    Vector* vector = &vectors[next_below(&random, growing_vectors)];
    grow(vector, &random);
    if (vector->bytes >= vector->bytes_wanted) {
      end(vector);
      ++ended;
    }
  }
  for (int i = 0; i < growing_vectors; ++i) end(&vectors[i]);
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
