//! Problems with signers: keys, certificates, time-stamps.

use super::Entry;

/// The certificate may not sign now. Nothing was asked of any key.
pub static SIGNER_CERTIFICATE: Entry = Entry {
    code: "signer.certificate",
    status: 422,
    retryable: false,
    title: ("Chứng thư này không được dùng để ký lúc này", "This certificate may not sign now"),
    help: (
        "Không có gì được ký và mã PIN không được gửi đi. Dùng chứng thư còn hiệu lực, đúng mục đích của khóa.",
        "Nothing was signed, and no PIN was sent. Use a certificate that is valid, not revoked, and meant for signing.",
    ),
};

/// The token did not sign.
pub static SIGNER_FAILED: Entry = Entry {
    code: "signer.failed",
    status: 502,
    retryable: true,
    title: ("Thiết bị ký không ký được", "The token did not sign"),
    help: ("Xem chi tiết; không có gì được ghi lại.", "See the detail; nothing was recorded."),
};

/// The token does not take the PIN.
pub static SIGNER_LOCKED: Entry = Entry {
    code: "signer.locked",
    status: 503,
    retryable: false,
    title: ("Thiết bị ký không nhận mã PIN", "The token does not take the PIN"),
    help: (
        "Máy chủ không thử lại để tránh khóa thiết bị; người quản lý thiết bị cần kiểm tra mã PIN.",
        "The server does not try again, lest the token lock itself; its keeper has to look after the PIN.",
    ),
};

/// The signing token is not available.
pub static SIGNER_UNAVAILABLE: Entry = Entry {
    code: "signer.unavailable",
    status: 503,
    retryable: true,
    title: ("Thiết bị ký chưa sẵn sàng", "The signing token is not available"),
    help: (
        "Kiểm tra thiết bị đã cắm và mã PIN; xem /readyz.",
        "Check that the token is plugged in and its PIN; see /readyz.",
    ),
};

/// The server holds no such key for your agency.
pub static SIGNER_UNKNOWN: Entry = Entry {
    code: "signer.unknown",
    status: 422,
    retryable: false,
    title: ("Cơ quan không có khóa ký này trên máy chủ", "The server holds no such key for your agency"),
    help: ("Xem các mục [[signer]] trong kyso.toml.", "See the [[signer]] entries in kyso.toml."),
};

/// The time-stamp service gave no usable answer.
pub static TIMESTAMP_UNAVAILABLE: Entry = Entry {
    code: "timestamp.unavailable",
    status: 503,
    retryable: true,
    title: ("Dịch vụ dấu thời gian không trả lời đúng", "The time-stamp service gave no usable answer"),
    help: ("Thử lại sau; không có chữ ký nào được ghi.", "Try again later; no signature was recorded."),
};
