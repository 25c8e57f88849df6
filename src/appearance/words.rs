//! What a signature says in letters.

use super::{Appearance, AppearanceError, CopyKind, Facts, Role};
use crate::base::UtcTime;

/// The lines of a role, and those of them that stand in the middle (the others begin at the left).
pub(super) struct Words {
    pub(super) lines: Vec<String>,
    pub(super) centred: bool,
    /// A frame around them, as a stamp has it.
    pub(super) framed: bool,
}

/// What is said; `None` when the picture alone is shown, as the decree has it for the person and the agency.
pub(super) fn words(appearance: &Appearance, facts: &Facts) -> Result<Option<Words>, AppearanceError> {
    let pictured = match (appearance.role, &appearance.picture) {
        (Role::Issue, None) => {
            return Err(AppearanceError::Missing {
                what: "the agency's signature shows the seal: give its picture with --picture",
                vietnamese: "Chữ ký cơ quan hiển thị hình con dấu; cần có tệp hình.",
            });
        }
        (Role::Approve | Role::Issue, picture) => picture.is_some(),
        _ => false,
    };
    if pictured && (appearance.full || appearance.text.is_some()) {
        return Err(AppearanceError::Missing {
            what: "a signature's picture and a seal are shown without words: leave --text and --full out",
            vietnamese: "Hình chữ ký và hình con dấu hiển thị không kèm chữ; hãy bỏ phần nội dung.",
        });
    }
    if pictured {
        return Ok(None);
    }
    let signer = facts.signer.clone().unwrap_or_default();
    // An agency's certificate has its name where a person's has theirs.
    let organisation = match appearance.role {
        Role::Approve | Role::Comment => facts.organisation.clone().unwrap_or_default(),
        Role::Annex | Role::Copy(_) | Role::Income | Role::Issue => signer.clone(),
    };
    let organisation = appearance.organisation.clone().unwrap_or(organisation);
    let number = appearance.number.clone().unwrap_or_default();
    let (time, long) = (iso(facts.now), long(facts.now));
    if let Some(template) = &appearance.text {
        let told = [
            ("{number}", &number),
            ("{organisation}", &organisation),
            ("{signer}", &signer),
            ("{time}", &time),
            ("{time-long}", &long),
            ("{date}", &date(facts.now)),
        ];
        let mut lines = fill(template, &told);
        let comment = appearance.role == Role::Comment;
        if comment && !template.contains("{time") {
            lines.push(signer);
            lines.push(time);
        }
        let framed = appearance.role == Role::Income;
        return Ok(Some(Words { lines, centred: framed, framed }));
    }
    let when = if appearance.full { format!("Thời gian ký: {long}") } else { time };
    let whose = |lines: &mut Vec<String>| {
        if appearance.full && !organisation.is_empty() {
            lines.push(organisation.clone());
        }
    };
    let mut lines = Vec::new();
    let (mut centred, mut framed) = (false, false);
    match appearance.role {
        Role::Approve | Role::Issue => {
            lines.push(format!("Ký bởi: {signer}"));
            if !organisation.is_empty() {
                lines.push(format!("Cơ quan: {organisation}"));
            }
            lines.push(format!("Thời gian ký: {long}"));
        }
        Role::Annex => {
            if number.is_empty() {
                return Err(missing_number());
            }
            lines.push(number);
            whose(&mut lines);
            lines.push(when);
        }
        Role::Copy(kind) => {
            lines.push(kind.words().to_owned());
            lines.push(organisation);
            lines.push(when);
        }
        Role::Income => {
            if number.is_empty() {
                return Err(missing_number());
            }
            lines.extend([organisation, "ĐẾN".to_owned()]);
            lines.push(format!("Số: {number}"));
            lines.push(format!("Ngày: {}", date(facts.now)));
            (centred, framed) = (true, true);
        }
        Role::Comment => {
            return Err(AppearanceError::Missing {
                what: "a comment needs its words: give them with --text",
                vietnamese: "Bút phê cần có nội dung.",
            });
        }
    }
    lines.retain(|line| !line.trim().is_empty());
    Ok(Some(Words { lines, centred, framed }))
}

impl CopyKind {
    /// As it is printed.
    fn words(self) -> &'static str {
        match self {
            Self::SaoLuc => "SAO LỤC",
            Self::SaoY => "SAO Y",
            Self::TrichSao => "TRÍCH SAO",
        }
    }
}

fn missing_number() -> AppearanceError {
    AppearanceError::Missing {
        what: "this role shows a number and symbol: give it with --number, such as --number 12/QĐ-UBND",
        vietnamese: "Vai trò này cần số và ký hiệu, ví dụ 12/QĐ-UBND.",
    }
}

/// The lines of a template, each placeholder replaced once and what is put in left as it is.
fn fill(template: &str, told: &[(&str, &String)]) -> Vec<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        match told.iter().find(|(name, _)| from.starts_with(name)) {
            Some((name, value)) => {
                text.push_str(value);
                rest = from.get(name.len()..).unwrap_or_default();
            }
            None => {
                text.push('{');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    text.push_str(rest);
    // What a shell hands over as two characters is meant as a new line.
    text.replace("\\n", "\n")
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// `2021-03-12T09:15:30+07:00` (Annex I of the decree; ISO 8601).
fn iso(moment: UtcTime) -> String {
    local(moment).strftime("%Y-%m-%dT%H:%M:%S+07:00").to_string()
}

/// `12.03.2021 09:15:30 +07:00`.
fn long(moment: UtcTime) -> String {
    local(moment).strftime("%d.%m.%Y %H:%M:%S +07:00").to_string()
}

/// `12/03/2021`.
fn date(moment: UtcTime) -> String {
    local(moment).strftime("%d/%m/%Y").to_string()
}

fn local(moment: UtcTime) -> jiff::civil::DateTime {
    jiff::tz::offset(7).to_datetime(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            signer: Some("UBND tỉnh Sông Lam".to_owned()),
            organisation: Some("UBND".to_owned()),
            now: "2021-03-12T02:15:30Z".parse().unwrap(),
            field: None,
        }
    }

    fn lines(appearance: &Appearance) -> Vec<String> {
        words(appearance, &facts()).unwrap().unwrap().lines
    }

    #[test]
    fn each_role_says_what_the_decree_wants() {
        let annex = Appearance { number: Some("12/QĐ-UBND".to_owned()), ..Appearance::new(Role::Annex) };
        assert_eq!(lines(&annex), ["12/QĐ-UBND", "2021-03-12T09:15:30+07:00"]);
        let copy = Appearance::new(Role::Copy(CopyKind::SaoY));
        assert_eq!(lines(&copy), ["SAO Y", "UBND tỉnh Sông Lam", "2021-03-12T09:15:30+07:00"]);
        let full = Appearance { full: true, ..annex };
        assert_eq!(
            lines(&full),
            ["12/QĐ-UBND", "UBND tỉnh Sông Lam", "Thời gian ký: 12.03.2021 09:15:30 +07:00"]
        );
        let income = Appearance { number: Some("7".to_owned()), ..Appearance::new(Role::Income) };
        assert_eq!(lines(&income), ["UBND tỉnh Sông Lam", "ĐẾN", "Số: 7", "Ngày: 12/03/2021"]);
        let approve = Appearance::new(Role::Approve);
        assert_eq!(lines(&approve).len(), 3);
        for role in [Role::Issue, Role::Annex, Role::Income, Role::Comment] {
            assert!(words(&Appearance::new(role), &facts()).is_err(), "{role:?}");
        }
    }

    #[test]
    fn a_template_is_filled_once() {
        let text = Some("{number} của {signer}\\n{x} {time-long}".to_owned());
        let number = Some("{time}".to_owned());
        let appearance = Appearance { text, number, ..Appearance::new(Role::Annex) };
        assert_eq!(lines(&appearance), ["{time} của UBND tỉnh Sông Lam", "{x} 12.03.2021 09:15:30 +07:00"]);
        let comment = Appearance { text: Some("Đồng ý".to_owned()), ..Appearance::new(Role::Comment) };
        assert_eq!(lines(&comment), ["Đồng ý", "UBND tỉnh Sông Lam", "2021-03-12T09:15:30+07:00"]);
    }
}
