//! Problems with documents, whatever is to be done with them.

use super::Entry;

/// No such document.
pub static DOCUMENT_NOT_FOUND: Entry = Entry {
    code: "document.not-found",
    status: 404,
    retryable: false,
    title: ("Không có văn bản này", "No such document"),
    help: ("Kiểm tra mã văn bản.", "Check the document's id."),
};

/// The document already has its number.
pub static DOCUMENT_NUMBERED: Entry = Entry {
    code: "document.numbered",
    status: 409,
    retryable: false,
    title: ("Văn bản đã có số", "The document already has its number"),
    help: ("Số đã cấp không thay đổi được.", "A number once allotted does not change."),
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

/// This file cannot be signed.
pub static DOCUMENT_REFUSED: Entry = Entry {
    code: "document.refused",
    status: 422,
    retryable: false,
    title: ("Không ký được tệp này", "This file cannot be signed"),
    help: ("Tệp gốc được giữ nguyên.", "The original file is untouched."),
};

/// The document's state does not allow this.
pub static DOCUMENT_STATE: Entry = Entry {
    code: "document.state",
    status: 409,
    retryable: false,
    title: ("Trạng thái văn bản không cho phép bước này", "The document's state does not allow this"),
    help: (
        "Trình tự là: tải lên, lấy số, người có thẩm quyền ký, cơ quan ký, phát hành.",
        "The order is: upload, number, the person's signature, the agency's signature, dispatch.",
    ),
};

/// The document has no number yet.
pub static DOCUMENT_UNNUMBERED: Entry = Entry {
    code: "document.unnumbered",
    status: 409,
    retryable: false,
    title: ("Văn bản chưa có số", "The document has no number yet"),
    help: ("Lấy số trước khi cơ quan ký.", "Allot a number before the agency signs."),
};
