/*
 * A PKCS#11 2.40 driver with one RSA key, for the tests of src/token: it does nothing but misbehave when told.
 *
 * It looks into the folder KYSO_TEST_MODULE: the file `behaviour` says how to behave (see `look`), and each C_Login
 * adds a byte to the file `logins`. Only the functions that kyso calls exist. Structures after PKCS#11 2.40 appendix.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong;
typedef struct { unsigned char major, minor; } version;
typedef struct { ulong type; void *value; ulong len; } attribute;
typedef struct { ulong slot, state, flags, error; } session_info;
typedef struct { unsigned char description[64], maker[32]; ulong flags; version hardware, firmware; } slot_info;
typedef struct {
    unsigned char label[32], maker[32], model[16], serial[16];
    ulong flags, max_sessions, sessions, max_rw, rw, max_pin, min_pin, public_all, public_free, private_all, private_free;
    version hardware, firmware;
    unsigned char time[16];
} token_info;
typedef struct { version version; void *functions[68]; } function_list;

enum {
    OK = 0, SLOT_ID_INVALID = 3, GENERAL_ERROR = 5, ATTRIBUTE_TYPE_INVALID = 0x12, DEVICE_ERROR = 0x30,
    DEVICE_REMOVED = 0x32,
    KEY_HANDLE_INVALID = 0x60, PIN_INCORRECT = 0xA0, SESSION_COUNT = 0xB1, SESSION_HANDLE_INVALID = 0xB3, TOKEN_NOT_PRESENT = 0xE0,
    USER_ALREADY_LOGGED_IN = 0x100, USER_NOT_LOGGED_IN = 0x101, BUFFER_TOO_SMALL = 0x150, NOT_INITIALIZED = 0x190,
    ALREADY_INITIALIZED = 0x191,
    COUNT_LOW = 0x10000, FINAL_TRY = 0x20000, LOCKED = 0x40000, KEY = 77
};

static _Thread_local char behaviour[64];
static _Atomic ulong inside, met;
static ulong logged_in, last_session, first_living = 1, initialized, found, count_low;

static int file(const char *name, int flags) {
    char path[4096];
    const char *folder = getenv("KYSO_TEST_MODULE");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", name);
    return open(path, flags, 0600);
}

/* Reads the behaviour: "", "away", "forget" the login, "final" or "locked" flags, "otherpin", "hang C_Sign", "odd"
 * for CKR_DEVICE_ERROR from each login, with the right PIN or a wrong one, "meet" for a C_Sign that answers only when
 * another is inside with it, "one" for a token with room for one session. */
static const char *look(void) {
    int from = file("behaviour", O_RDONLY);
    ssize_t len = from < 0 ? 0 : read(from, behaviour, sizeof behaviour - 1);
    if (from >= 0) close(from);
    behaviour[len < 0 ? 0 : len] = 0;
    if (!strcmp(behaviour, "away")) {
        logged_in = 0;
        first_living = last_session + 1;
    }
    if (!strcmp(behaviour, "forget")) logged_in = 0;
    return behaviour;
}

static int is(const char *name) { return !strcmp(look(), name); }

static ulong living(ulong session) {
    if (!initialized) return NOT_INITIALIZED;
    if (is("away")) return DEVICE_REMOVED;
    return session >= first_living && session <= last_session ? OK : SESSION_HANDLE_INVALID;
}

static void padded(unsigned char *to, size_t len, const char *text) {
    memset(to, ' ', len);
    memcpy(to, text, strlen(text));
}

ulong C_GetFunctionList(function_list **list);
static function_list ours;

static ulong initialize(void *args) {
    (void)args;
    function_list *mine = NULL;
    if (initialized) return ALREADY_INITIALIZED;
    /* By name, as some vendors' drivers do. */
    if (C_GetFunctionList(&mine) != OK || mine != &ours) return GENERAL_ERROR;
    initialized = 1;
    return OK;
}

static ulong finalize(void *reserved) {
    (void)reserved;
    if (!initialized) return NOT_INITIALIZED;
    initialized = logged_in = 0;
    first_living = last_session + 1;
    return OK;
}

static ulong slot_list(unsigned char present, ulong *slots, ulong *count) {
    ulong there = present && is("away") ? 0 : 1;
    if (slots && *count < there) return BUFFER_TOO_SMALL;
    if (slots && there) slots[0] = 1;
    *count = there;
    return OK;
}

static ulong about_slot(ulong slot, slot_info *info) {
    if (slot != 1) return SLOT_ID_INVALID;
    memset(info, 0, sizeof *info);
    padded(info->description, 64, "kyso test");
    padded(info->maker, 32, "kyso");
    info->flags = 1;
    return OK;
}

static ulong about_token(ulong slot, token_info *info) {
    if (slot != 1) return SLOT_ID_INVALID;
    if (is("away")) return TOKEN_NOT_PRESENT;
    memset(info, 0, sizeof *info);
    padded(info->label, 32, "thu");
    padded(info->maker, 32, "kyso");
    padded(info->model, 16, "test");
    padded(info->serial, 16, "0001");
    info->flags = 0x40C | count_low | (is("final") ? FINAL_TRY : 0) | (is("locked") ? LOCKED : 0);
    info->max_pin = 16;
    info->min_pin = 4;
    return OK;
}

static ulong mechanisms(ulong slot, ulong *list, ulong *count) {
    (void)slot;
    if (list) list[0] = 1;
    *count = 1;
    return OK;
}

static ulong open_session(ulong slot, ulong flags, void *app, void *notify, ulong *session) {
    (void)flags, (void)app, (void)notify;
    if (slot != 1) return SLOT_ID_INVALID;
    if (is("away")) return TOKEN_NOT_PRESENT;
    if (is("one") && last_session >= first_living) return SESSION_COUNT;
    *session = ++last_session;
    return OK;
}

static ulong close_session(ulong session) { return living(session); }

static ulong about_session(ulong session, session_info *info) {
    ulong state = living(session);
    if (state != OK) return state;
    *info = (session_info){1, logged_in ? 1 : 0, 4, 0};
    return OK;
}

static ulong login(ulong session, ulong user, const char *pin, ulong len) {
    (void)user;
    int to = file("logins", O_WRONLY | O_CREAT | O_APPEND);
    if (to < 0 || write(to, "x", 1) != 1) return GENERAL_ERROR;
    close(to);
    ulong state = living(session);
    if (state != OK) return state;
    if (logged_in) return USER_ALREADY_LOGGED_IN;
    if (len != 4 || memcmp(pin, is("otherpin") ? "9999" : "1234", 4)) {
        count_low = COUNT_LOW;
        return is("odd") ? DEVICE_ERROR : PIN_INCORRECT;
    }
    if (is("odd")) return DEVICE_ERROR;
    logged_in = 1;
    count_low = 0;
    return OK;
}

static ulong logout(ulong session) {
    ulong state = living(session);
    logged_in = 0;
    return state;
}

static ulong attributes(ulong session, ulong object, attribute *template, ulong count) {
    static const unsigned char id[] = {1}, modulus[256] = {0xC0};
    static const ulong class = 3, rsa = 0;
    ulong answer = living(session);
    if (answer != OK) return answer;
    if (object != KEY) return KEY_HANDLE_INVALID;
    for (ulong at = 0; at < count; at++) {
        const void *value = NULL;
        ulong len = 0;
        switch (template[at].type) {
        case 0x000: value = &class, len = sizeof class; break;
        case 0x003: value = "ky", len = 2; break;
        case 0x100: value = &rsa, len = sizeof rsa; break;
        case 0x102: value = id, len = sizeof id; break;
        case 0x120: value = modulus, len = sizeof modulus; break;
        }
        if (!value) {
            template[at].len = (ulong)-1;
            answer = ATTRIBUTE_TYPE_INVALID;
        } else {
            if (template[at].value && template[at].len >= len) memcpy(template[at].value, value, len);
            else if (template[at].value) answer = BUFFER_TOO_SMALL;
            template[at].len = len;
        }
    }
    return answer;
}

static ulong find_init(ulong session, attribute *template, ulong count) {
    ulong state = living(session);
    if (state != OK) return state;
    found = 0;
    for (ulong at = 0; at < count; at++)
        if (template[at].type == 0 && template[at].len == sizeof(ulong) && *(ulong *)template[at].value == 3)
            found = logged_in;
    return OK;
}

static ulong find(ulong session, ulong *objects, ulong max, ulong *count) {
    ulong state = living(session);
    if (state != OK) return state;
    *count = found && max ? 1 : 0;
    if (*count) objects[0] = KEY;
    found = 0;
    return OK;
}

static ulong find_final(ulong session) { return living(session); }

static ulong sign_init(ulong session, void *mechanism, ulong key) {
    (void)mechanism;
    ulong state = living(session);
    if (state != OK) return state;
    if (!logged_in) return USER_NOT_LOGGED_IN;
    return key == KEY ? OK : KEY_HANDLE_INVALID;
}

/* Whether another call is inside at the same time, waiting at most 20 seconds for it. */
static int meets(void) {
    if (++inside > 1) met = 1;
    for (int turn = 0; !met && turn < 4000; turn++) usleep(5000);
    inside--;
    return met;
}

static ulong sign(ulong session, void *data, ulong data_len, unsigned char *signature, ulong *len) {
    (void)data, (void)data_len;
    while (is("hang C_Sign")) usleep(10000);
    if (is("meet") && !meets()) return GENERAL_ERROR;
    ulong state = living(session);
    if (state != OK) return state;
    if (signature && *len < 256) return BUFFER_TOO_SMALL;
    if (signature) memset(signature, 0x5A, 256);
    *len = 256;
    return OK;
}

static function_list ours = {
    {2, 40},
    {
        [0] = initialize, [1] = finalize, [3] = C_GetFunctionList, [4] = slot_list, [5] = about_slot,
        [6] = about_token, [7] = mechanisms, [12] = open_session, [13] = close_session, [15] = about_session,
        [18] = login, [19] = logout, [24] = attributes, [26] = find_init, [27] = find, [28] = find_final,
        [42] = sign_init, [43] = sign,
    },
};

ulong C_GetFunctionList(function_list **list) {
    *list = &ours;
    return OK;
}
