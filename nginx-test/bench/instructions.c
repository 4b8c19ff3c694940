/*
 * Counts the instructions that a process executes in user space, by stepping through them one by one.
 *
 * The same figure as `perf stat -e instructions:u`, for machines without hardware counters, which most virtual ones
 * are: exact, with the processor's own instructions (an emulator would offer no SHA extensions), and slow.
 *
 * usage: instructions PID COUNT LEFT_OUT [ADDRESSES]
 * The file COUNT always holds the number so far, in eight bytes. LEFT_OUT is the address, in hexadecimal, of a function
 * that is not counted, nor what it calls; 0 for none. SIGTERM lets the process go, and writes to the file ADDRESSES how
 * often each address was executed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "written for x86-64"
#endif

/* A power of two, far above the number of addresses that a request runs through. */
#define SLOTS (1u << 20)

static struct {
    uint64_t address;
    uint64_t executed;
} table[SLOTS];

static pid_t pid;
static volatile sig_atomic_t finished;

static void finish(int number)
{
    (void) number;
    finished = 1;
    /* It may be waiting for a request, and then takes no step. */
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void count(uint64_t address)
{
    uint32_t slot = (uint32_t) ((address * 0x9e3779b97f4a7c15u) >> 44);

    for (uint32_t tried = 0; tried < SLOTS; tried++) {
        if (table[slot].executed == 0 || table[slot].address == address) {
            table[slot].address = address;
            table[slot].executed++;
            return;
        }
        slot = (slot + 1) & (SLOTS - 1);
    }
}

static uint64_t reg(size_t offset)
{
    errno = 0;
    uint64_t value = (uint64_t) ptrace(PTRACE_PEEKUSER, pid, offset, 0);
    if (errno) {
        die("reading a register");
    }
    return value;
}

static uint64_t instruction_pointer(void)
{
    return reg(offsetof(struct user_regs_struct, rip));
}

static uint64_t stack_pointer(void)
{
    return reg(offsetof(struct user_regs_struct, rsp));
}

/* Where a function that has just been called will return to. */
static uint64_t return_address(void)
{
    errno = 0;
    uint64_t address = (uint64_t) ptrace(PTRACE_PEEKDATA, pid, stack_pointer(), 0);
    if (errno) {
        die("reading the stack");
    }
    return address;
}

static void write_addresses(const char *path)
{
    FILE *out = fopen(path, "w");

    if (out == NULL) {
        die(path);
    }
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        if (table[slot].executed) {
            fprintf(out, "%lx %lu\n", table[slot].address, table[slot].executed);
        }
    }
    if (fclose(out)) {
        die(path);
    }
}

static volatile uint64_t *shared_counter(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    if (file < 0 || ftruncate(file, sizeof(uint64_t))) {
        die(path);
    }
    void *counter = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (counter == MAP_FAILED) {
        die(path);
    }
    return counter;
}

static int wait_for_stop(void)
{
    int status;

    while (waitpid(pid, &status, 0) != pid) {
        if (errno != EINTR) {
            die("waiting");
        }
    }
    if (!WIFSTOPPED(status)) {
        fprintf(stderr, "process %d has ended\n", (int) pid);
        exit(1);
    }
    return WSTOPSIG(status);
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = finish };

    if (argc < 4) {
        fprintf(stderr, "usage: %s PID COUNT LEFT_OUT [ADDRESSES]\n", argv[0]);
        return 2;
    }
    pid = (pid_t) atol(argv[1]);
    volatile uint64_t *instructions = shared_counter(argv[2]);
    uint64_t left_out = strtoull(argv[3], NULL, 16);
    const char *addresses = argc > 4 ? argv[4] : NULL;

    if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0)) {
        die("attaching");
    }
    wait_for_stop();
    sigaction(SIGTERM, &action, NULL);
    puts("attached");
    fflush(stdout);

    uint64_t before = instruction_pointer();
    int received = SIGTRAP;
    /* Of the function that is left out, while it runs. */
    uint64_t end = 0;
    uint64_t frame = 0;
    while (!finished) {
        int deliver = received == SIGTRAP ? 0 : received;
        if (ptrace(PTRACE_SINGLESTEP, pid, 0, deliver)) {
            die("stepping");
        }
        received = wait_for_stop();

        uint64_t after = instruction_pointer();
        if (end) {
            if (after == end && stack_pointer() > frame) {
                end = 0;
            }
            before = after;
            continue;
        }
        if (after == left_out && left_out) {
            end = return_address();
            frame = stack_pointer();
        }
        /* A repeated instruction (rep movsb) traps at each repetition; counters count it once. */
        if (after != before) {
            ++*instructions;
            if (addresses) {
                count(before);
            }
        }
        before = after;
    }
    /* The last step's trap may still be on its way: nobody would take it then, and the process would die of it. */
    struct __ptrace_peeksiginfo_args first = { .nr = 1 };
    siginfo_t pending;
    while (ptrace(PTRACE_PEEKSIGINFO, pid, &first, &pending) == 1 && pending.si_signo == SIGTRAP) {
        if (ptrace(PTRACE_CONT, pid, 0, received == SIGTRAP ? 0 : received)) {
            die("going on");
        }
        received = wait_for_stop();
    }
    if (ptrace(PTRACE_DETACH, pid, 0, received == SIGTRAP ? 0 : received)) {
        die("detaching");
    }
    if (addresses) {
        write_addresses(addresses);
    }
    return 0;
}
