// What does the library add to a program that starts and ends?
int main(void) { return 0; }
