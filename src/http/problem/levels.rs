//! Problems with levels that last.

use super::Entry;

/// Somebody extends the document at this moment.
pub static DOCUMENT_BEING_EXTENDED: Entry = Entry {
    code: "document.being-extended",
    status: 409,
    retryable: true,
    title: ("Văn bản đang được gia hạn", "The document is being extended"),
    help: ("Thử lại sau ít phút.", "Try again in a moment."),
};

/// There is nothing to extend.
pub static DOCUMENT_UNSIGNED: Entry = Entry {
    code: "document.unsigned",
    status: 409,
    retryable: false,
    title: ("Văn bản chưa có chữ ký", "The document has no signature yet"),
    help: ("Ký văn bản trước.", "Sign it first."),
};

/// Evidence or a time-stamp is missing now.
pub static EXTENSION_LATER: Entry = Entry {
    code: "extension.later",
    status: 503,
    retryable: true,
    title: ("Hiện chưa đủ bằng chứng để gia hạn chữ ký", "What the signatures need is not to be had now"),
    help: (
        "Thử lại sau; tệp được giữ nguyên. Kiểm tra OCSP, CRL và dấu thời gian.",
        "Try again later; the file is untouched. See whether OCSP, CRL and time-stamp services answer.",
    ),
};

/// The signatures cannot be raised.
pub static EXTENSION_REFUSED: Entry = Entry {
    code: "extension.refused",
    status: 422,
    retryable: false,
    title: ("Không gia hạn được chữ ký của tệp này", "The signatures of this file cannot be extended"),
    help: ("Kiểm tra chữ ký để biết lý do.", "Verify the file to see why."),
};

/// The server cannot give this level.
pub static LEVEL_UNAVAILABLE: Entry = Entry {
    code: "level.unavailable",
    status: 422,
    retryable: false,
    title: ("Máy chủ không đạt được mức chữ ký này", "This server cannot give this level"),
    help: (
        "Khai báo [[tsa]] và [trust] trong kyso.toml, hoặc chọn mức thấp hơn.",
        "Set [[tsa]] and [trust] in kyso.toml, or ask for a lower level.",
    ),
};
