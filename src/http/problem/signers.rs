//! Problems with signers and with files that need something beside them.

use super::Entry;

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

/// The document is encrypted, and the right password did not come.
pub static DOCUMENT_PASSWORD: Entry = Entry {
    code: "document.password",
    status: 422,
    retryable: false,
    title: ("Tệp được mã hóa và cần mật khẩu đúng", "The file is encrypted and needs the right password"),
    help: (
        "Gửi lại yêu cầu với mật khẩu của tệp trong trường password.",
        "Send the request again with the file's password in the field password.",
    ),
};

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
