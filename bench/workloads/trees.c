// What do trees cost that grow, are walked and torn down, many short-lived ones beside a long-lived one?
#include "work.h"

enum { rounds_full = 32, long_lived_depth = 17, depth_min = 4, depth_max = 16, nodes_each_depth = 1 << 17 };

typedef struct Node {
  struct Node* left;
  struct Node* right;
  long value;
} Node;

static Arguments arguments;

static Node* grow(int depth) {
  Node* node = malloc(sizeof *node);
  check(node != NULL, "no memory");
  node->value = depth;
  node->left = depth > 0 ? grow(depth - 1) : NULL;
  node->right = depth > 0 ? grow(depth - 1) : NULL;
  return node;
}

static long sum_of(const Node* node) {
  return node == NULL ? 0 : node->value + sum_of(node->left) + sum_of(node->right);
}

static void tear_down(Node* node) {
  if (node == NULL) return;
  tear_down(node->left);
  tear_down(node->right);
  free(node);
}

// The sum over a whole tree whose nodes hold their heights.
static long expected_sum(int depth) {
  long sum = 0;
  for (int height = 0; height <= depth; ++height) sum += (long)height << (depth - height);
  return sum;
}

static void work(int index) {
  Node* long_lived = grow(long_lived_depth - (index > 0));
  const long rounds = scaled_share(&arguments, rounds_full);
  for (long round = 0; round < rounds; ++round) {
    for (int depth = depth_min; depth <= depth_max; depth += 4) {
      const long trees = scaled(&arguments, nodes_each_depth >> depth);
      for (long i = 0; i < trees; ++i) {
        Node* tree = grow(depth);
        check(sum_of(tree) == expected_sum(depth), "a tree lost nodes");
        tear_down(tree);
      }
    }
  }
  check(sum_of(long_lived) == expected_sum(long_lived_depth - (index > 0)), "the long-lived tree lost nodes");
  tear_down(long_lived);
}

int main(int count, char** words) {
  arguments = arguments_of(count, words);
  run_threads(arguments.threads, work);
  return 0;
}
