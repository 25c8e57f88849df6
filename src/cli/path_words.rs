//! The words of `kyso path` in two languages.

use crate::validation::words::Language;

/// The words before each line.
pub(super) struct Labels {
    pub(super) valid: &'static str,
    pub(super) invalid: &'static str,
    pub(super) indeterminate: &'static str,
    pub(super) moment: &'static str,
    pub(super) anchor: &'static str,
    pub(super) period: &'static str,
    pub(super) not_revoked: &'static str,
    pub(super) revoked: &'static str,
    pub(super) signer: &'static str,
    pub(super) policies: &'static str,
    pub(super) no_policy: &'static str,
    pub(super) any_policy: &'static str,
    pub(super) left_out: &'static str,
}

impl Labels {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Vietnamese => &VIETNAMESE,
        }
    }
}

/// What the key of a failure means, and what to do about it (empty when there is nothing to do).
pub(super) fn meaning(key: &str, language: Language) -> (&'static str, &'static str) {
    let known = FAILURES.iter().find(|failure| failure.key == key);
    known.map_or(("", ""), |failure| match language {
        Language::English => failure.english,
        Language::Vietnamese => failure.vietnamese,
    })
}

const ENGLISH: Labels = Labels {
    valid: "The certificate can be relied on",
    invalid: "The certificate cannot be relied on",
    indeterminate: "No conclusion is possible yet",
    moment: "Asked for",
    anchor: " (trusted)",
    period: "Valid",
    not_revoked: "Not revoked:",
    revoked: "Revoked:",
    signer: "signed by",
    policies: "Policies:",
    no_policy: "none",
    any_policy: "any",
    left_out: "Not used, because it cannot be read:",
};

const VIETNAMESE: Labels = Labels {
    valid: "Chứng thư có thể tin cậy",
    invalid: "Chứng thư không thể tin cậy",
    indeterminate: "Chưa thể kết luận",
    moment: "Xét tại thời điểm",
    anchor: " (tin cậy)",
    period: "Hiệu lực",
    not_revoked: "Không bị thu hồi:",
    revoked: "Bị thu hồi:",
    signer: "người ký:",
    policies: "Chính sách chứng thư:",
    no_policy: "không có",
    any_policy: "bất kỳ",
    left_out: "Không dùng được vì không đọc được:",
};

struct Words {
    key: &'static str,
    english: (&'static str, &'static str),
    vietnamese: (&'static str, &'static str),
}

/// In the order of the table in `docs/path.md`.
const FAILURES: [Words; 24] = [
    Words {
        key: "ambiguous",
        english: (
            "Two readers understand the certificate differently.",
            "Ask its authority for a well-formed one.",
        ),
        vietnamese: (
            "Hai bộ đọc hiểu chứng thư theo hai cách khác nhau.",
            "Đề nghị cơ quan cấp chứng thư cấp lại cho đúng chuẩn.",
        ),
    },
    Words {
        key: "basic-constraints",
        english: ("An issuer in the path is not a certification authority.", ""),
        vietnamese: ("Một nơi cấp trong đường dẫn không phải là tổ chức chứng thực.", ""),
    },
    Words {
        key: "budget",
        english: (
            "Looking for a path took too many steps.",
            "Give only the certificates that belong to the path.",
        ),
        vietnamese: (
            "Việc tìm đường dẫn chứng thực tốn quá nhiều bước.",
            "Chỉ đưa vào những chứng thư thuộc đường dẫn.",
        ),
    },
    Words {
        key: "critical-extension",
        english: ("A certificate demands something that kyso does not know.", ""),
        vietnamese: ("Một chứng thư đòi hỏi điều mà kyso không biết.", ""),
    },
    Words {
        key: "expired",
        english: ("A certificate had expired.", "Check the moment that was asked for (--at)."),
        vietnamese: ("Một chứng thư đã hết hạn.", "Kiểm tra lại thời điểm được xét (--at)."),
    },
    Words {
        key: "extended-key-usage",
        english: ("A certificate is not meant for this purpose.", ""),
        vietnamese: ("Một chứng thư không dành cho mục đích này.", ""),
    },
    Words {
        key: "is-anchor",
        english: (
            "The certificate is itself among the trusted ones; no authority vouches for it.",
            "Trust the authority that issued it instead.",
        ),
        vietnamese: (
            "Chứng thư này nằm ngay trong danh sách tin cậy; không tổ chức nào bảo đảm cho nó.",
            "Hãy khai báo tin cậy tổ chức đã cấp nó.",
        ),
    },
    Words {
        key: "key-usage",
        english: ("A certificate's key may not be used in this way.", ""),
        vietnamese: ("Khóa của một chứng thư không được dùng theo cách này.", ""),
    },
    Words {
        key: "malformed",
        english: (
            "The certificate breaks the rules for certificates.",
            "Ask its authority for a well-formed one.",
        ),
        vietnamese: ("Chứng thư sai quy cách.", "Đề nghị cơ quan cấp chứng thư cấp lại cho đúng chuẩn."),
    },
    Words {
        key: "name.excluded",
        english: ("An authority above excludes a name that the certificate has.", ""),
        vietnamese: ("Chứng thư có tên mà tổ chức cấp trên loại trừ.", ""),
    },
    Words {
        key: "name.not-permitted",
        english: ("The certificate has a name that an authority above does not permit.", ""),
        vietnamese: ("Chứng thư có tên mà tổ chức cấp trên không cho phép.", ""),
    },
    Words {
        key: "name.too-complex",
        english: ("There are too many names to compare.", ""),
        vietnamese: ("Có quá nhiều tên phải so sánh.", ""),
    },
    Words {
        key: "name.unreadable",
        english: ("The certificate has a name that cannot be compared with what is permitted.", ""),
        vietnamese: ("Chứng thư có tên không thể so sánh với phạm vi được phép.", ""),
    },
    Words {
        key: "no-path",
        english: (
            "No path leads from the certificate to a trusted one.",
            "Give the certificates between them with --intermediate.",
        ),
        vietnamese: (
            "Không có đường dẫn từ chứng thư đến chứng thư tin cậy.",
            "Đưa các chứng thư trung gian vào bằng --intermediate.",
        ),
    },
    Words {
        key: "not-supported",
        english: ("A certificate has restrictions that kyso does not process.", ""),
        vietnamese: ("Một chứng thư có ràng buộc mà kyso chưa xử lý.", ""),
    },
    Words {
        key: "not-yet-valid",
        english: ("A certificate was not valid yet.", "Check the moment that was asked for (--at)."),
        vietnamese: ("Một chứng thư chưa có hiệu lực.", "Kiểm tra lại thời điểm được xét (--at)."),
    },
    Words {
        key: "path-length",
        english: ("The path is longer than an authority allows.", ""),
        vietnamese: ("Đường dẫn dài hơn mức một tổ chức cho phép.", ""),
    },
    Words {
        key: "policy.any-mapped",
        english: ("An authority maps the policy that stands for all.", ""),
        vietnamese: ("Một tổ chức ánh xạ chính sách đại diện cho mọi chính sách.", ""),
    },
    Words {
        key: "policy.none",
        english: (
            "A policy is required, and the path is valid for none that is acceptable.",
            "Check the policies that were asked for (--policy).",
        ),
        vietnamese: (
            "Đường dẫn phải có chính sách chứng thư được chấp nhận, nhưng không có.",
            "Kiểm tra lại các chính sách được yêu cầu (--policy).",
        ),
    },
    Words {
        key: "policy.qualifier",
        english: ("The certificate policies have a condition that is unknown.", ""),
        vietnamese: ("Chính sách chứng thư kèm điều kiện không biết.", ""),
    },
    Words {
        key: "revoked",
        english: ("A certificate was revoked.", "Do not rely on it."),
        vietnamese: ("Một chứng thư đã bị thu hồi.", "Không được tin cậy chứng thư này."),
    },
    Words {
        key: "status.unknown",
        english: (
            "Nothing that counts says whether a certificate was revoked.",
            "Give its revocation list or an OCSP answer with --crl or --ocsp.",
        ),
        vietnamese: (
            "Không có căn cứ để biết một chứng thư có bị thu hồi hay không.",
            "Đưa danh sách thu hồi hoặc trả lời OCSP vào bằng --crl hoặc --ocsp.",
        ),
    },
    Words {
        key: "status.unproven",
        english: (
            "The word on a revocation comes from a certificate that has since expired.",
            "Give newer evidence.",
        ),
        vietnamese: (
            "Thông tin thu hồi do một chứng thư nay đã hết hạn ký.",
            "Đưa vào thông tin thu hồi mới hơn.",
        ),
    },
    Words {
        key: "weak",
        english: (
            "A certificate uses an algorithm or key that is not strong enough, or not known.",
            "Ask its authority for a new one.",
        ),
        vietnamese: (
            "Một chứng thư dùng thuật toán hoặc khóa không đủ mạnh, hoặc không được biết đến.",
            "Đề nghị cơ quan cấp chứng thư cấp chứng thư mới.",
        ),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_words_and_stands_in_the_contract() {
        let contract = include_str!("../../docs/path.md");
        assert!(FAILURES.is_sorted_by_key(|failure| failure.key));
        for failure in &FAILURES {
            assert!(contract.contains(&format!("| `{}` |", failure.key)), "{}", failure.key);
            for (meaning, advice) in [failure.english, failure.vietnamese] {
                assert!(meaning.ends_with('.') && (advice.is_empty() || advice.ends_with('.')), "{meaning}");
            }
        }
        assert_eq!(meaning("no.such.key", Language::English), ("", ""));
    }
}
