// What do linked lists cost that grow side by side, are thinned out, walked, and grow again into the holes?
#include "work.h"

enum { rounds_full = 2, lists = 64, nodes_full = 400 * 1000, generations = 4 };

typedef struct Node {
  struct Node* next;
  size_t bytes;
  unsigned char text[];
} Node;

static Arguments arguments;

static Node* push(Random* random, Node* next) {
  const size_t bytes = sizeof(Node) + 4 + next_below(random, 64);
  Node* node = malloc(bytes);
  check(node != NULL, "no memory");
  node->next = next;
  node->bytes = bytes;
  ((unsigned char*)node)[bytes - 1] = (unsigned char)bytes;
  return node;
}

static void drop(Node* node) {
  check(((unsigned char*)node)[node->bytes - 1] == (unsigned char)node->bytes, "a node lost its contents");
  free(node);
}

static size_t bytes_in(const Node* node) {
  size_t bytes = 0;
  for (; node != NULL; node = node->next) bytes += node->bytes;
  return bytes;
}

// Takes out about two nodes of three, here and there.
static Node* thin_out(Random* random, Node* first) {
  Node** link = &first;
  while (*link != NULL) {
    if (next_below(random, 3) == 0) {
      link = &(*link)->next;
    } else {
      Node* node = *link;
      *link = node->next;
      drop(node);
    }
  }
  return first;
}

static void work(int index) {
  Random random = random_of((uint64_t)index);
  const long rounds = scaled_share(&arguments, rounds_full);
  const long nodes = scaled_share(&arguments, nodes_full);
  for (long round = 0; round < rounds; ++round) {
    Node* first[lists] = {NULL};
    for (int generation = 0; generation < generations; ++generation) {
      for (long i = 0; i < nodes; ++i) {
        Node** list = &first[next_below(&random, lists)];
        *list = push(&random, *list);
      }
      for (int i = 0; i < lists; ++i) {
        const size_t bytes = bytes_in(first[i]);
        first[i] = thin_out(&random, first[i]);
        check(bytes_in(first[i]) <= bytes, "a list grew by itself");
      }
    }
    for (int i = 0; i < lists; ++i) {
      while (first[i] != NULL) {
        Node* node = first[i];
        first[i] = node->next;
        drop(node);
      }
    }
  }
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
