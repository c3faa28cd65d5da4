/* A C unit with enough in it to keep the optimiser busy. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WITH_HELPER
int helper(int number);
#else
static int helper(int number) { return number * 3; }
#endif

struct node {
  struct node *left, *right;
  char name[24];
  uint64_t uses;
};

static struct node* insert(struct node* root, const char* name) {
  if (root == NULL) {
    struct node* fresh = calloc(1, sizeof *fresh);
    strncpy(fresh->name, name, sizeof fresh->name - 1);
    fresh->uses = 1;
    return fresh;
  }
  const int order = strcmp(name, root->name);
  if (order == 0)
    root->uses++;
  else if (order < 0)
    root->left = insert(root->left, name);
  else
    root->right = insert(root->right, name);
  return root;
}

static uint64_t walk(const struct node* root, uint64_t sum) {
  return root == NULL ? sum : walk(root->right, walk(root->left, sum) * 31 + root->uses + strlen(root->name));
}

static void release(struct node* root) {
  if (root == NULL) return;
  release(root->left);
  release(root->right);
  free(root);
}

static double multiply(size_t size) {
  double *a = malloc(size * size * sizeof *a), *b = malloc(size * size * sizeof *b), trace = 0;
  for (size_t i = 0; i < size * size; i++) {
    a[i] = (double)(i % 17);
    b[i] = (double)(i % 23);
  }
  for (size_t i = 0; i < size; i++)
    for (size_t k = 0; k < size; k++) trace += a[i * size + k] * b[k * size + i];
  free(a);
  free(b);
  return trace;
}

static int state_machine(const char* text) {
  enum { START, WORD, NUMBER, OTHER } state = START;
  int words = 0, numbers = 0;
  for (; *text; text++) {
    const unsigned char c = (unsigned char)*text;
    switch (state) {
      case START:
      case OTHER: state = isalpha(c) ? (words++, WORD) : isdigit(c) ? (numbers++, NUMBER) : OTHER; break;
      case WORD: state = isalnum(c) ? WORD : OTHER; break;
      case NUMBER: state = isdigit(c) ? NUMBER : OTHER; break;
    }
  }
  return words * 1000 + numbers;
}

int main(void) {
  struct node* root = NULL;
  char name[24];
  for (int i = 0; i < 20000; i++) {
    snprintf(name, sizeof name, "name%d", helper(i) % 4099);
    root = insert(root, name);
  }
  printf("tree %llu\n", (unsigned long long)walk(root, 7));
  release(root);
  printf("trace %.1f\n", multiply(200));
  printf("machine %d\n", state_machine("one 2 three4 55 six, 7 and 8nine"));
  return 0;
}
