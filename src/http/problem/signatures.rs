//! Problems with signatures, one by one, prepared, and in batches.

use super::Entry;

/// There is no such batch, or it is not the caller's.
pub static BATCH_NOT_FOUND: Entry = Entry {
    code: "batch.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lô ký này", "There is no such batch"),
    help: (
        "Kiểm tra mã; chỉ người đã gửi lô ký xem được lô đó.",
        "Check the id; a batch is shown only to the member who began it.",
    ),
};

/// A batch needs a password that no server knows any more.
pub static BATCH_PASSWORD: Entry = Entry {
    code: "batch.password",
    status: 409,
    retryable: false,
    title: (
        "Lô ký cần mật khẩu tài liệu mà máy chủ không còn giữ",
        "The batch needs a document password that the server does not hold any more",
    ),
    help: (
        "Gửi POST tới địa chỉ resume của lô kèm trường password; mật khẩu chỉ nằm trong bộ nhớ, không được ghi lại.",
        "POST to the batch's resume address with the field password: it lies in memory only and is written nowhere.",
    ),
};

/// The batch does not go on because its owner said so.
pub static BATCH_STOPPED: Entry = Entry {
    code: "batch.stopped",
    status: 409,
    retryable: false,
    title: ("Lô ký đã được người gửi dừng lại", "The batch was stopped by its owner"),
    help: (
        "Gửi POST tới địa chỉ resume của lô để ký tiếp các văn bản còn lại.",
        "POST to the batch's resume address to go on with the documents that wait.",
    ),
};

/// The document moved on since the signature was prepared.
pub static PREPARED_CHANGED: Entry = Entry {
    code: "prepared.changed",
    status: 409,
    retryable: false,
    title: (
        "Văn bản đã thay đổi sau khi chuẩn bị ký",
        "The document changed since the signature was prepared",
    ),
    help: ("Chuẩn bị ký lại từ đầu.", "Prepare the signature anew."),
};

/// The handle came too late.
pub static PREPARED_EXPIRED: Entry = Entry {
    code: "prepared.expired",
    status: 410,
    retryable: false,
    title: ("Lượt chuẩn bị ký đã hết hạn", "The prepared signature has expired"),
    help: ("Chuẩn bị ký lại từ đầu.", "Prepare the signature anew."),
};

/// No such handle for this member and document.
pub static PREPARED_NOT_FOUND: Entry = Entry {
    code: "prepared.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lượt chuẩn bị ký này", "There is no such prepared signature"),
    help: (
        "Mã chỉ dùng được bởi chính người đã chuẩn bị, cho chính văn bản đó.",
        "A handle is good for the member who prepared it, and for that document.",
    ),
};

/// Too many wrong values.
pub static PREPARED_SPENT: Entry = Entry {
    code: "prepared.spent",
    status: 409,
    retryable: false,
    title: (
        "Đã gửi sai giá trị chữ ký quá nhiều lần",
        "Too many wrong values came for the prepared signature",
    ),
    help: (
        "Kiểm tra khóa và chứng thư có khớp nhau không, rồi chuẩn bị ký lại từ đầu.",
        "Check that key and certificate belong together, then prepare the signature anew.",
    ),
};

/// Too many handles wait.
pub static PREPARED_TOO_MANY: Entry = Entry {
    code: "prepared.too-many",
    status: 429,
    retryable: true,
    title: ("Có quá nhiều lượt chuẩn bị ký đang chờ", "Too many prepared signatures wait"),
    help: (
        "Hoàn tất hoặc hủy bằng DELETE các lượt đang chờ, hoặc đợi chúng hết hạn.",
        "Complete those that wait, give them up with DELETE, or let them expire.",
    ),
};

/// The handle is used.
pub static PREPARED_USED: Entry = Entry {
    code: "prepared.used",
    status: 409,
    retryable: false,
    title: ("Lượt chuẩn bị ký đã được dùng", "The prepared signature is used already"),
    help: (
        "Mỗi mã chỉ dùng được một lần. Xem trạng thái của văn bản.",
        "A handle is good once. See the state of the document.",
    ),
};

/// The signature cannot be shown as it was asked for.
pub static SIGNATURE_APPEARANCE: Entry = Entry {
    code: "signature.appearance",
    status: 422,
    retryable: false,
    title: ("Không hiển thị được chữ ký như yêu cầu", "The signature cannot be shown as asked for"),
    help: (
        "Xem chi tiết; chưa có gì được ký.",
        "See the detail: it says what to change. Nothing was signed.",
    ),
};

/// The signed file does not continue the present document.
pub static SIGNATURE_NOT_CONTINUED: Entry = Entry {
    code: "signature.not-continued",
    status: 422,
    retryable: false,
    title: (
        "Tệp đã ký không nối tiếp văn bản hiện có",
        "The signed file does not continue the present document",
    ),
    help: ("Ký đúng tệp hiện có của văn bản.", "Sign the document's present file."),
};

/// The signatures come in another order.
pub static SIGNATURE_ORDER: Entry = Entry {
    code: "signature.order",
    status: 409,
    retryable: false,
    title: ("Sai thứ tự ký", "The signatures come in another order"),
    help: (
        "Người có thẩm quyền ký trước, rồi đến cơ quan, mỗi bên một lần.",
        "The person signs first, then the agency, once each.",
    ),
};

/// The signature value does not fit.
pub static SIGNATURE_VALUE: Entry = Entry {
    code: "signature.value",
    status: 422,
    retryable: false,
    title: ("Giá trị chữ ký không khớp với chứng thư", "The signature value does not fit the certificate"),
    help: (
        "Ký đúng các byte trong toBeSigned bằng khóa của chứng thư; ECDSA gửi dạng DER.",
        "Sign the bytes of toBeSigned with the certificate's key; send ECDSA as DER.",
    ),
};
