/*
 * A PKCS#11 driver that hands every call to the driver BEHIND it, and takes MICROSECONDS longer for each signature: as a
 * token does that computes on a processor of its own, behind a cable. Those that are used side by side share what is
 * behind them, so that it is initialized once and never finalized.
 *
 * Structures after PKCS#11 2.40 appendix A.
 */
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong;
typedef struct { unsigned char major, minor; } version;
typedef struct { version version; void *functions[68]; } function_list;

enum { OK = 0, GENERAL_ERROR = 5, ALREADY_INITIALIZED = 0x191 };
enum { INITIALIZE = 0, FINALIZE = 1, GET_FUNCTION_LIST = 3, SIGN = 43 };

static function_list ours, *theirs;

static ulong initialize(void *arguments) {
    ulong answer = ((ulong (*)(void *))theirs->functions[INITIALIZE])(arguments);
    return answer == ALREADY_INITIALIZED ? OK : answer;
}

static ulong finalize(void *reserved) {
    (void)reserved;
    return OK;
}

static ulong sign(ulong session, unsigned char *data, ulong len, unsigned char *signature, ulong *signature_len) {
    if (signature) usleep(MICROSECONDS);
    return ((ulong (*)(ulong, unsigned char *, ulong, unsigned char *, ulong *))theirs->functions[SIGN])(
        session, data, len, signature, signature_len);
}

ulong C_GetFunctionList(function_list **list) {
    if (!theirs) {
        void *driver = dlopen(BEHIND, RTLD_NOW);
        ulong (*get)(function_list **) = driver ? dlsym(driver, "C_GetFunctionList") : NULL;
        if (!get || get(&theirs) != OK) return GENERAL_ERROR;
        memcpy(&ours, theirs, sizeof ours);
        ours.functions[INITIALIZE] = initialize;
        ours.functions[FINALIZE] = finalize;
        ours.functions[GET_FUNCTION_LIST] = C_GetFunctionList;
        ours.functions[SIGN] = sign;
    }
    *list = &ours;
    return OK;
}
