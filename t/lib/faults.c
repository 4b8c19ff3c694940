/*
 * Preloaded into nginx by t/faults.t: has allocations of one process fail. What fails is said in the file that FAULTS
 * names, and what has failed is written there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES 24

/* glibc's own, under the names that it keeps for such libraries. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* Who asked for the memory that was refused first: the module of nginx, or from the heap, past nginx. */
enum { NGINX, MODULE, HEAP };

static struct faults {
    /* Whose allocations count; 0 for nobody's. */
    uint64_t pid;
    /* The first one that fails, from 1, and the last. */
    uint64_t first;
    uint64_t last;
    /* Whether what the module takes from the heap is left out. */
    uint64_t spares_heap;
    /* How many there have been, and how many have failed. */
    uint64_t calls;
    uint64_t failed;
    uint64_t asked_by;
    /* Of the module, the innermost ones of the first failure, as they stand in its file; then zeros. */
    uint64_t frames[FRAMES];
} nobody, *faults = &nobody;

__attribute__((constructor)) static void share(void)
{
    const char *path = getenv("FAULTS");
    int file = path ? open(path, O_RDWR) : -1;
    void *shared = mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    void *warm[1];

    if (shared == MAP_FAILED) {
        abort();
    }
    close(file);
    /* It allocates when it is called first. */
    backtrace(warm, 1);
    faults = shared;
}

/* Whether a function of nginx only passes an allocation on. Two that do are static, and have no name here. */
static int passes_on(const char *function, const char *callee)
{
    static const char *const some[] = { "ngx_alloc", "ngx_memalign", "ngx_palloc", "ngx_pnalloc", "ngx_pcalloc",
        "ngx_pmemalign", "ngx_pool_cleanup_add", "ngx_list_push", "ngx_array_push" };

    if (function == NULL) {
        return callee != NULL && (strcmp(callee, "ngx_alloc") == 0 || strcmp(callee, "ngx_memalign") == 0);
    }
    for (size_t number = 0; number < sizeof(some) / sizeof(*some); number++) {
        if (strcmp(function, some[number]) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_module(const Dl_info *info)
{
    return strstr(info->dli_fname, "ngx_http_crossdomain_media") != NULL;
}

static void tell(void)
{
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES), written = 0, passed_on = 0, asked_by = -1;
    const char *callee = NULL;
    Dl_info own;

    dladdr((void *) tell, &own);
    for (int number = 0; number < count; number++) {
        Dl_info info;

        /* Or this file's own functions. */
        if (!dladdr(frames[number], &info) || info.dli_fbase == own.dli_fbase) {
            continue;
        }
        if (is_module(&info)) {
            faults->frames[written++] = (uint64_t) frames[number] - 1 - (uint64_t) info.dli_fbase;
        }
        if (asked_by < 0) {
            if (!is_module(&info) && passes_on(info.dli_sname, callee)) {
                callee = info.dli_sname;
                passed_on = 1;
            } else {
                asked_by = !is_module(&info) ? NGINX : passed_on ? MODULE : HEAP;
            }
        }
    }
    faults->asked_by = asked_by < 0 ? NGINX : (uint64_t) asked_by;
}

static int fails(const void *caller)
{
    static __thread int telling;
    Dl_info info;

    if (faults->pid == 0 || faults->pid != (uint64_t) getpid() || telling) {
        return 0;
    }
    if (faults->spares_heap && dladdr(caller, &info) && is_module(&info)) {
        return 0;
    }
    uint64_t call = ++faults->calls;
    if (call < faults->first || call > faults->last) {
        return 0;
    }
    if (faults->failed++ == 0) {
        telling = 1;
        tell();
        telling = 0;
    }
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (fails(__builtin_return_address(0))) {
        return ENOMEM;
    }
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL && size != 0 ? ENOMEM : 0;
}
