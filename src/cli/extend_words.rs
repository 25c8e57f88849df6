//! The words of `kyso extend` and `kyso upkeep` in two languages.

use crate::{
    dispatch::UpkeepTask,
    service::{
        extend::{AddedRevision, ExtendError, Why, named},
        sign::SignError,
    },
    validation::{Level, words::Language},
};

/// The words before each line of `kyso extend`, as wide as each other.
pub(super) struct Labels {
    pub(super) extended: &'static str,
    pub(super) level: &'static str,
    pub(super) added: &'static str,
    pub(super) nothing_added: &'static str,
    pub(super) renew_by: &'static str,
}

impl Labels {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Vietnamese => &VIETNAMESE,
        }
    }
}

const ENGLISH: Labels = Labels {
    extended: "extended ",
    level: "level    ",
    added: "added    ",
    nothing_added: "nothing: it has the level",
    renew_by: "renew by ",
};

const VIETNAMESE: Labels = Labels {
    extended: "đã gia hạn   ",
    level: "mức          ",
    added: "đã thêm      ",
    nothing_added: "không có gì: đã đạt mức này",
    renew_by: "gia hạn trước",
};

/// What was added.
pub(super) const fn added(one: AddedRevision, language: Language) -> &'static str {
    match (one, language) {
        (AddedRevision::ArchiveManifest, Language::English) => "a time-stamp over all files of the container",
        (AddedRevision::ArchiveManifest, Language::Vietnamese) => "dấu thời gian trên mọi tệp của gói",
        (AddedRevision::Attributes, Language::English) => "evidence and time-stamps in unsigned attributes",
        (AddedRevision::Attributes, Language::Vietnamese) => {
            "bằng chứng và dấu thời gian trong thuộc tính không ký"
        }
        (AddedRevision::Evidence, Language::English) => "evidence",
        (AddedRevision::Evidence, Language::Vietnamese) => "bằng chứng",
        (AddedRevision::TimeStamp, Language::English) => "a document time-stamp",
        (AddedRevision::TimeStamp, Language::Vietnamese) => "dấu thời gian của tài liệu",
    }
}

/// Why nothing was extended, and what to do about it. `english`: with all its causes.
pub(super) fn refused(error: &ExtendError, english: &str, language: Language) -> String {
    match language {
        Language::English => format!("{english}{}", hint(error, language)),
        Language::Vietnamese => format!("{}{}", vietnamese(error, english), hint(error, language)),
    }
}

/// What other parts of the program say about a file stays as they say it.
fn vietnamese(error: &ExtendError, english: &str) -> String {
    match error {
        ExtendError::Covered { file } => format!(
            "không nâng được chữ ký {file}: một dấu thời gian hoặc chữ ký khác trong gói bao trùm nguyên trạng chữ ký này \
             và sẽ bị hỏng"
        ),
        ExtendError::NotValid { field, indication, reason, .. } => {
            format!("chữ ký{} là {indication}: {}", named(field), own(reason))
        }
        ExtendError::NotReached { field, reached, to, reason } => {
            let (reached, to) = (reached.as_str(), to.as_str());
            format!("chữ ký{} chỉ đạt mức {reached}, không phải {to}: {}", named(field), own(reason))
        }
        ExtendError::TooOld(old) => {
            let by = old.next_update.map_or_else(String::new, |next| format!(" trước {next}"));
            format!(
                "bằng chứng về {} được lập lúc {}, trước khi ký lúc {}; bằng chứng mới hơn sẽ có{by}",
                old.of, old.this_update, old.proven_at
            )
        }
        ExtendError::Unsigned => "tài liệu không có chữ ký".to_owned(),
        ExtendError::Worse { field, reason } => {
            format!("chữ ký{} sẽ kém hơn trước: {}", named(field), own(reason))
        }
        ExtendError::Sign(SignError::NoAnchors { level }) => {
            format!("mức {} cần biết tin cậy cơ quan chứng thực nào", level.as_str())
        }
        ExtendError::Sign(SignError::NoAuthority { level }) => {
            format!("mức {} cần dịch vụ cấp dấu thời gian", level.as_str())
        }
        ExtendError::Sign(SignError::NoTimeStamp(_)) => {
            format!("không dịch vụ nào cấp được dấu thời gian ({english})")
        }
        ExtendError::Sign(SignError::Output { path, source }) => {
            format!("không ghi được {}: {source}", path.display())
        }
        ExtendError::Verify(_) => format!("không kiểm tra được tài liệu ({english})"),
        ExtendError::Sign(_) => format!("không gia hạn được ({english})"),
    }
}

fn own(reason: &Why) -> &str {
    reason.words(Language::Vietnamese)
}

fn hint(error: &ExtendError, language: Language) -> &'static str {
    let (english, vietnamese) = match error {
        ExtendError::NotValid { may_pass: false, .. } => (
            "; kyso verify tells more, and --even-if-not-valid extends all the same",
            "; kyso verify cho biết thêm, còn --even-if-not-valid vẫn gia hạn",
        ),
        ExtendError::Sign(SignError::NoAnchors { .. }) => ("; give --trust", "; hãy thêm --trust"),
        ExtendError::Sign(SignError::NoAuthority { .. }) => ("; give --tsa", "; hãy thêm --tsa"),
        error if error.may_pass() => ("; try again later", "; hãy thử lại sau"),
        _ => ("", ""),
    };
    match language {
        Language::English => english,
        Language::Vietnamese => vietnamese,
    }
}

/// What became of a document in a round of upkeep.
pub(super) enum Told<'a> {
    Done { sha256: &'a str },
    Failed { why: &'a str },
    Looked,
    Overtaken,
}

/// The line of a document in a round of upkeep; `next`: when it is due again.
pub(super) fn kept(
    told: &Told<'_>,
    (reached, asked): (Level, Level),
    next: Option<&str>,
    language: Language,
) -> String {
    let (level, asked) = (reached.as_str(), asked.as_str());
    match language {
        Language::English => {
            let next = next.unwrap_or("nothing more");
            match told {
                Told::Done { sha256 } => {
                    format!("done: level {level} of {asked}, sha256 {sha256}; next {next}")
                }
                Told::Failed { why } => format!("failed: {why}; again {next}"),
                Told::Looked => format!("nothing to do: level {level} of {asked}; next {next}"),
                Told::Overtaken => "overtaken: it changed meanwhile".to_owned(),
            }
        }
        Language::Vietnamese => {
            let next = next.unwrap_or("không còn");
            match told {
                Told::Done { sha256 } => {
                    format!("xong: mức {level} trên {asked}, sha256 {sha256}; lần tới {next}")
                }
                Told::Failed { why } => format!("không xong: {why}; làm lại {next}"),
                Told::Looked => format!("không có gì phải làm: mức {level} trên {asked}; lần tới {next}"),
                Told::Overtaken => "bỏ qua: tài liệu đã thay đổi trong lúc đó".to_owned(),
            }
        }
    }
}

/// What is done in a round of upkeep.
pub(super) const fn task(task: UpkeepTask, language: Language) -> &'static str {
    match (task, language) {
        (task, Language::English) => task.as_str(),
        (UpkeepTask::Raise, Language::Vietnamese) => "nâng mức",
        (UpkeepTask::Renew, Language::Vietnamese) => "gia hạn",
    }
}

/// There is nothing to do in a round of upkeep.
pub(super) const fn nothing_due(language: Language) -> &'static str {
    match language {
        Language::English => "nothing is due",
        Language::Vietnamese => "không có việc đến hạn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_told_in_both_languages() {
        let errors = [
            ExtendError::Covered { file: "META-INF/signature1.p7s".to_owned() },
            ExtendError::Unsigned,
            ExtendError::NotValid {
                field: "f".to_owned(),
                indication: "INDETERMINATE",
                may_pass: false,
                reason: Why::default(),
            },
            ExtendError::NotReached {
                field: "f".to_owned(),
                reached: Level::B,
                to: Level::Lta,
                reason: Why::default(),
            },
            ExtendError::Worse { field: "f".to_owned(), reason: Why::default() },
            ExtendError::Sign(SignError::NoAnchors { level: Level::Lt }),
            ExtendError::Sign(SignError::NoAuthority { level: Level::T }),
        ];
        for error in errors {
            let english = error.to_string();
            let [one, two] =
                [Language::English, Language::Vietnamese].map(|own| refused(&error, &english, own));
            assert!(one.starts_with(&english) && one != two, "{one} / {two}");
            assert!(!two.contains("the ") && !two.contains("give "), "{two}");
        }
        for told in [Told::Done { sha256: "x" }, Told::Failed { why: "x" }, Told::Looked, Told::Overtaken] {
            let told = |own| kept(&told, (Level::T, Level::Lta), None, own);
            assert_ne!(told(Language::English), told(Language::Vietnamese));
        }
    }

    #[test]
    fn labels_stand_in_one_column() {
        for labels in [&ENGLISH, &VIETNAMESE] {
            let widths = [labels.extended, labels.level, labels.added, labels.renew_by];
            let widths = widths.map(|label| label.chars().count());
            assert!(widths.iter().all(|width| width.abs_diff(widths[0]) <= 1), "{widths:?}");
        }
    }
}
