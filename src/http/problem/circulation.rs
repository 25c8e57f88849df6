//! Problems with dispatches, their deliveries, and the log.

use super::Entry;

/// No such member in your agency.
pub static ACTOR_UNKNOWN: Entry = Entry {
    code: "member.not-found",
    status: 404,
    retryable: false,
    title: ("Không có người này trong cơ quan", "No such member in your agency"),
    help: ("Kiểm tra mã người dùng.", "Check the member's id."),
};

/// The delivery has come to its end.
pub static DELIVERY_FINAL: Entry = Entry {
    code: "delivery.final",
    status: 409,
    retryable: false,
    title: ("Lượt gửi đã kết thúc", "The delivery has come to its end"),
    help: ("Muốn gửi lại thì phát hành lượt mới.", "Sending again takes a new dispatch."),
};

/// No such delivery.
pub static DELIVERY_NOT_FOUND: Entry = Entry {
    code: "delivery.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lượt gửi này", "No such delivery"),
    help: (
        "Kiểm tra mã; cơ quan chỉ xem được lượt gửi của mình.",
        "Check the id; an agency sees only its own deliveries.",
    ),
};

/// A reason is needed.
pub static DELIVERY_REASON: Entry = Entry {
    code: "delivery.reason",
    status: 422,
    retryable: false,
    title: ("Cần nêu lý do", "A reason is needed"),
    help: (
        "Ghi lý do từ 1 đến 2000 ký tự vào trường reason.",
        "Give a reason of 1 to 2000 characters in the field reason.",
    ),
};

/// The delivery's state does not allow this.
pub static DELIVERY_STATE: Entry = Entry {
    code: "delivery.state",
    status: 409,
    retryable: false,
    title: ("Trạng thái không cho phép bước này", "The delivery's state does not allow this"),
    help: ("Đọc lại lượt gửi để biết trạng thái hiện tại.", "Read the delivery again for its present state."),
};

/// No such dispatch.
pub static DISPATCH_NOT_FOUND: Entry = Entry {
    code: "dispatch.not-found",
    status: 404,
    retryable: false,
    title: ("Không có lần phát hành này", "No such dispatch"),
    help: (
        "Kiểm tra mã; cơ quan chỉ xem được văn bản mình gửi hoặc nhận.",
        "Check the id; an agency sees only what it sent or was sent.",
    ),
};

/// The document is not issued.
pub static DISPATCH_NOT_ISSUED: Entry = Entry {
    code: "dispatch.not-issued",
    status: 409,
    retryable: false,
    title: ("Văn bản chưa được ban hành", "The document is not issued"),
    help: (
        "Cần chữ ký của người có thẩm quyền rồi đến chữ ký của cơ quan.",
        "It needs the person's and then the agency's signature.",
    ),
};

/// Secret documents are never sent through kyso.
pub static DISPATCH_SECRET: Entry = Entry {
    code: "dispatch.secret",
    status: 409,
    retryable: false,
    title: ("Văn bản mật không được gửi qua kyso", "Secret documents are never sent through kyso"),
    help: (
        "Gửi theo quy định về bảo vệ bí mật nhà nước.",
        "Send it by the ways that the law on state secrets gives.",
    ),
};

/// A recipient is not known here.
pub static DISPATCH_UNKNOWN_AGENCY: Entry = Entry {
    code: "dispatch.unknown-agency",
    status: 422,
    retryable: false,
    title: ("Có nơi nhận không tồn tại", "A recipient is not known here"),
    help: ("Xem các mã định danh tại GET /api/v1/agencies.", "See the agency codes at GET /api/v1/agencies."),
};

/// No such event.
pub static EVENT_NOT_FOUND: Entry = Entry {
    code: "event.not-found",
    status: 404,
    retryable: false,
    title: ("Không có sự kiện này", "No such event"),
    help: ("Kiểm tra mã sự kiện.", "Check the event's id."),
};

/// The event's id was used for something else.
pub static EVENT_REUSED: Entry = Entry {
    code: "event.reused",
    status: 422,
    retryable: false,
    title: ("Mã sự kiện đã dùng cho việc khác", "The event's id was used for something else"),
    help: (
        "Dùng một Idempotency-Key mới cho thao tác mới.",
        "Use a fresh Idempotency-Key for a new operation.",
    ),
};

/// The ledger does not agree with its checkpoint.
pub static LEDGER_BROKEN: Entry = Entry {
    code: "ledger.broken",
    status: 503,
    retryable: false,
    title: ("Sổ phát hành không khớp với điểm chốt", "The ledger does not agree with its checkpoint"),
    help: (
        "Không có gì được ghi thêm; quản trị viên cần chạy kyso ledger audit.",
        "Nothing more is recorded; the administrator has to run kyso ledger audit.",
    ),
};

/// This server has no ledger.
pub static LEDGER_NONE: Entry = Entry {
    code: "ledger.none",
    status: 503,
    retryable: false,
    title: ("Cơ sở dữ liệu này chưa có sổ", "This database has no ledger"),
    help: (
        "Quản trị viên cần kiểm tra địa chỉ cơ sở dữ liệu trong cấu hình.",
        "The administrator has to check the database URL in the configuration.",
    ),
};

/// The ledger does not hold this part yet.
pub static LEDGER_NOT_FOUND: Entry = Entry {
    code: "ledger.not-found",
    status: 404,
    retryable: false,
    title: ("Sổ chưa có phần này", "The ledger does not hold this part yet"),
    help: (
        "Đọc /checkpoint để biết kích thước hiện tại của sổ.",
        "Read /checkpoint for the ledger's present size.",
    ),
};

/// Entries of the ledger are not signed yet.
pub static LEDGER_NOT_PUBLISHED: Entry = Entry {
    code: "ledger.not-published",
    status: 503,
    retryable: true,
    title: ("Sổ chưa có điểm chốt cho phần này", "The ledger has no checkpoint for this part yet"),
    help: (
        "Dữ liệu đã được ghi; quản trị viên cần chạy kyso với khóa của sổ.",
        "What was recorded is kept; the administrator has to run kyso with the ledger's key.",
    ),
};

/// The verification report is of other bytes.
pub static REPORT_MISMATCH: Entry = Entry {
    code: "report.mismatch",
    status: 422,
    retryable: false,
    title: ("Kết quả kiểm tra không phải của tệp này", "The verification report is of other bytes"),
    help: ("Kiểm tra lại đúng tệp này.", "Verify these very bytes."),
};

/// The document does not verify.
pub static REPORT_NOT_VALID: Entry = Entry {
    code: "report.not-valid",
    status: 409,
    retryable: false,
    title: ("Văn bản không xác thực được", "The document does not verify"),
    help: ("Từ chối kèm lý do, hoặc hỏi cơ quan gửi.", "Refuse it with a reason, or ask the sender."),
};

/// The document bears too few signatures.
pub static REPORT_SIGNATURES: Entry = Entry {
    code: "report.signatures",
    status: 409,
    retryable: false,
    title: ("Văn bản chưa đủ chữ ký", "The document bears too few signatures"),
    help: (
        "Cần chữ ký của người có thẩm quyền và của cơ quan.",
        "It needs the person's and the agency's signature.",
    ),
};
