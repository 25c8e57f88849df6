/*
 * A PKCS#11 driver that hands every call to the driver of KYSO_TEST_BEHIND, and counts: each C_Sign that gave a value
 * adds a byte to the file `signs` in the folder KYSO_TEST_MODULE, each C_Login one to `logins`, each login for one
 * signature one to `answers`. After KYSO_TEST_SIGNS signatures the token is pulled out; after KYSO_TEST_ANSWERS logins
 * for one signature its PIN is another one.
 *
 * Structures after PKCS#11 2.40 appendix A.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef unsigned long ulong;
typedef struct { unsigned char major, minor; } version;
typedef struct { version version; void *functions[68]; } function_list;

enum { OK = 0, DEVICE_REMOVED = 0x32, PIN_INCORRECT = 0xA0, CONTEXT_SPECIFIC = 2 };
enum { GET_FUNCTION_LIST = 3, GET_SLOT_LIST = 4, OPEN_SESSION = 12, LOGIN = 18, SIGN_INIT = 42, SIGN = 43 };

static function_list ours, *theirs;

static void count(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("KYSO_TEST_MODULE"), name);
    int to = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (to >= 0) {
        if (write(to, "x", 1) != 1) abort();
        close(to);
    }
}

/* Whether so many came as a variable allows; of no variable any number. */
static int over(const char *variable, ulong came) {
    const char *most = getenv(variable);
    return most && came >= strtoul(most, NULL, 10);
}

static _Atomic ulong signs, answers;

static int away(void) { return over("KYSO_TEST_SIGNS", signs); }

static ulong get_slot_list(unsigned char present, ulong *slots, ulong *len) {
    if (away()) {
        *len = 0;
        return OK;
    }
    return ((ulong (*)(unsigned char, ulong *, ulong *))theirs->functions[GET_SLOT_LIST])(present, slots, len);
}

static ulong open_session(ulong slot, ulong flags, void *own, void *notify, ulong *session) {
    if (away()) return DEVICE_REMOVED;
    return ((ulong (*)(ulong, ulong, void *, void *, ulong *))theirs->functions[OPEN_SESSION])(
        slot, flags, own, notify, session);
}

static ulong login(ulong session, ulong user, unsigned char *pin, ulong len) {
    if (away()) return DEVICE_REMOVED;
    if (user == CONTEXT_SPECIFIC) {
        count("answers");
        if (over("KYSO_TEST_ANSWERS", answers++)) return PIN_INCORRECT;
    } else {
        count("logins");
    }
    return ((ulong (*)(ulong, ulong, unsigned char *, ulong))theirs->functions[LOGIN])(session, user, pin, len);
}

static ulong sign_init(ulong session, void *mechanism, ulong key) {
    if (away()) return DEVICE_REMOVED;
    return ((ulong (*)(ulong, void *, ulong))theirs->functions[SIGN_INIT])(session, mechanism, key);
}

static ulong sign(ulong session, unsigned char *data, ulong data_len, unsigned char *value, ulong *value_len) {
    if (away()) return DEVICE_REMOVED;
    ulong done = ((ulong (*)(ulong, unsigned char *, ulong, unsigned char *, ulong *))theirs->functions[SIGN])(
        session, data, data_len, value, value_len);
    if (done == OK && value) {
        count("signs");
        signs++;
    }
    return done;
}

ulong C_GetFunctionList(function_list **list) {
    if (!theirs) {
        void *behind = dlopen(getenv("KYSO_TEST_BEHIND"), RTLD_NOW | RTLD_LOCAL);
        ulong (*get)(function_list **) = behind ? (ulong (*)(function_list **))dlsym(behind, "C_GetFunctionList") : NULL;
        if (!get || get(&theirs) != OK) return DEVICE_REMOVED;
        ours = *theirs;
        ours.functions[GET_FUNCTION_LIST] = (void *)C_GetFunctionList;
        ours.functions[GET_SLOT_LIST] = (void *)get_slot_list;
        ours.functions[OPEN_SESSION] = (void *)open_session;
        ours.functions[LOGIN] = (void *)login;
        ours.functions[SIGN_INIT] = (void *)sign_init;
        ours.functions[SIGN] = (void *)sign;
    }
    *list = &ours;
    return OK;
}
