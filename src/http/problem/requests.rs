//! Problems with requests: what any of them can meet.

use super::Entry;

/// The content received does not match Content-Digest.
pub static DIGEST_MISMATCH: Entry = Entry {
    code: "request.digest-mismatch",
    status: 400,
    retryable: false,
    title: (
        "Nội dung nhận được khác với Content-Digest",
        "The content received does not match Content-Digest",
    ),
    help: (
        "Gửi lại; tệp đã bị hỏng trên đường truyền hoặc giá trị băm không đúng.",
        "Send it again; the file was damaged on the way, or the digest is wrong.",
    ),
};

/// The Idempotency-Key was used for another request.
pub static IDEMPOTENCY_CONFLICT: Entry = Entry {
    code: "idempotency.conflict",
    status: 422,
    retryable: false,
    title: (
        "Khóa Idempotency-Key đã dùng cho yêu cầu khác",
        "The Idempotency-Key was used for another request",
    ),
    help: ("Dùng một khóa mới cho yêu cầu mới.", "Use a fresh key for a new request."),
};

/// A request with this key is still running.
pub static IDEMPOTENCY_IN_PROGRESS: Entry = Entry {
    code: "idempotency.in-progress",
    status: 409,
    retryable: true,
    title: ("Yêu cầu cùng khóa đang được xử lý", "A request with this key is still running"),
    help: ("Chờ một lát rồi gửi lại đúng yêu cầu này.", "Wait a moment and send the same request again."),
};

/// The header Idempotency-Key is needed.
pub static IDEMPOTENCY_MISSING: Entry = Entry {
    code: "idempotency.missing",
    status: 400,
    retryable: false,
    title: ("Thiếu tiêu đề Idempotency-Key", "The header Idempotency-Key is needed"),
    help: (
        "Gửi một UUID mới cho mỗi thao tác, và giữ nguyên UUID đó khi thử lại.",
        "Send a fresh UUID for each operation, and the same one when trying again.",
    ),
};

/// The server failed.
pub static INTERNAL: Entry = Entry {
    code: "service.internal",
    status: 500,
    retryable: true,
    title: ("Lỗi của máy chủ", "The server failed"),
    help: (
        "Thử lại sau; nếu còn lỗi, báo quản trị viên kèm request_id.",
        "Try again later; if it persists, give the administrator the request_id.",
    ),
};

/// Part of the request is not valid.
pub static INVALID: Entry = Entry {
    code: "request.invalid",
    status: 422,
    retryable: false,
    title: ("Yêu cầu có phần không hợp lệ", "Part of the request is not valid"),
    help: ("Sửa các phần nêu trong errors.", "Correct the parts named in errors."),
};

/// The API key is not valid.
pub static KEY_INVALID: Entry = Entry {
    code: "key.invalid",
    status: 401,
    retryable: false,
    title: ("Khóa API không đúng", "The API key is not valid"),
    help: (
        "Kiểm tra khóa trong tiêu đề Authorization; khóa có thể đã hết hạn hoặc bị thu hồi.",
        "Check the key in the Authorization header; it may have expired or been revoked.",
    ),
};

/// An API key is needed.
pub static KEY_MISSING: Entry = Entry {
    code: "key.missing",
    status: 401,
    retryable: false,
    title: ("Thiếu khóa API", "An API key is needed"),
    help: ("Gửi tiêu đề Authorization: Bearer kyso_….", "Send the header Authorization: Bearer kyso_…."),
};

/// The API key does not allow this.
pub static KEY_SCOPE: Entry = Entry {
    code: "key.scope",
    status: 403,
    retryable: false,
    title: ("Khóa API không có quyền này", "The API key does not allow this"),
    help: (
        "Xin quản trị viên cấp khóa có quyền cần thiết.",
        "Ask the administrator for a key with the scope that is needed.",
    ),
};

/// The request cannot be read.
pub static MALFORMED: Entry = Entry {
    code: "request.malformed",
    status: 400,
    retryable: false,
    title: ("Không đọc được yêu cầu", "The request cannot be read"),
    help: ("So với mô tả tại /docs.", "Compare it with the description at /docs."),
};

/// This address does not take that method.
pub static METHOD_NOT_ALLOWED: Entry = Entry {
    code: "request.method-not-allowed",
    status: 405,
    retryable: false,
    title: ("Địa chỉ này không nhận phương thức đó", "This address does not take that method"),
    help: ("Xem tiêu đề Allow.", "See the header Allow."),
};

/// Too many requests.
pub static RATE_LIMITED: Entry = Entry {
    code: "request.rate-limited",
    status: 429,
    retryable: true,
    title: ("Quá nhiều yêu cầu", "Too many requests"),
    help: ("Chờ theo số giây trong Retry-After.", "Wait for the seconds given in Retry-After."),
};

/// It exists already.
pub static REQUEST_EXISTS: Entry = Entry {
    code: "request.exists",
    status: 409,
    retryable: false,
    title: ("Đã có rồi", "It exists already"),
    help: ("Dùng cái đã có, hoặc chọn mã khác.", "Use the existing one, or choose another code."),
};

/// The request came in too slowly.
pub static REQUEST_TIMEOUT: Entry = Entry {
    code: "request.timeout",
    status: 408,
    retryable: true,
    title: ("Yêu cầu gửi đến quá chậm", "The request came in too slowly"),
    help: ("Gửi lại khi đường truyền tốt hơn.", "Send it again over a better line."),
};

/// There is nothing at this address.
pub static ROUTE_NOT_FOUND: Entry = Entry {
    code: "route.not-found",
    status: 404,
    retryable: false,
    title: ("Không có gì ở địa chỉ này", "There is nothing at this address"),
    help: ("Các địa chỉ được liệt kê tại /docs.", "All addresses are listed at /docs."),
};

/// The file is too large.
pub static TOO_LARGE: Entry = Entry {
    code: "request.too-large",
    status: 413,
    retryable: false,
    title: ("Tệp quá lớn", "The file is too large"),
    help: ("Giới hạn được đặt trong kyso.toml, mục limits.", "The limit is set in kyso.toml under limits."),
};

/// This content type is not supported.
pub static UNSUPPORTED_MEDIA_TYPE: Entry = Entry {
    code: "request.unsupported-media-type",
    status: 415,
    retryable: false,
    title: ("Kiểu nội dung không được hỗ trợ", "This content type is not supported"),
    help: (
        "Gửi application/pdf, multipart/form-data hoặc application/json theo mô tả tại /docs.",
        "Send application/pdf, multipart/form-data or application/json as /docs describes.",
    ),
};

/// There are as many verifications under way as are allowed.
pub static VERIFICATION_BUSY: Entry = Entry {
    code: "verification.busy",
    status: 429,
    retryable: true,
    title: ("Đang có quá nhiều lượt kiểm tra chạy nền", "Too many verifications are under way"),
    help: (
        "Chờ lượt trước xong hoặc hủy bằng DELETE, rồi gửi lại sau số giây trong Retry-After.",
        "Wait for an earlier one or cancel it with DELETE, then send again after the seconds in Retry-After.",
    ),
};

/// There is no such verification, or not for this caller, or not any more.
pub static VERIFICATION_NOT_FOUND: Entry = Entry {
    code: "verification.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lượt kiểm tra này", "There is no such verification"),
    help: (
        "Kết quả chạy nền chỉ được giữ một giờ, trên máy chủ đã nhận tệp, cho chính khóa API đã gửi. Hãy gửi lại tệp.",
        "Answers of background work are kept for an hour, by the server that took the files, for the key that sent \
         them. Send the files again.",
    ),
};
