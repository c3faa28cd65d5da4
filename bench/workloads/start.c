// What does an allocator add to a program that starts and ends?
int main(void) { return 0; }
