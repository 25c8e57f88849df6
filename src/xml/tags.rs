//! The inside of a start tag: name and attributes, with nothing let through that XML 1.0 section 3.1 does not allow.

use super::characters::{is_ncname, is_space, referenced};

/// A qualified name (Namespaces in XML 1.0 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QName<'a> {
    /// Empty for none.
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
}

/// Name and attributes of a start tag, as written between `<` and `>` or `/>`.
pub(super) struct RawTag<'a> {
    pub(super) name: QName<'a>,
    pub(super) attributes: Vec<(QName<'a>, String)>,
}

/// What is wrong with a tag.
pub(super) enum TagFault {
    Malformed(String),
    /// An entity that is not one of the five.
    Entity(String),
    TooMany,
}

impl<'a> QName<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (prefix, local) = match text.split_once(':') {
            Some((prefix, local)) if is_ncname(prefix) => (prefix, local),
            Some(_) => return None,
            None => ("", text),
        };
        is_ncname(local).then_some(Self { prefix, local })
    }
}

impl<'a> RawTag<'a> {
    /// `Name (S Attribute)* S?`
    pub(super) fn parse(text: &'a str, most_attributes: usize) -> Result<Self, TagFault> {
        let name_end = text.find(is_space).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(name_end);
        let name = QName::parse(name)
            .ok_or_else(|| TagFault::Malformed(format!("{name:?} cannot be the name of an element")))?;
        let mut attributes = Vec::new();
        loop {
            let trimmed = rest.trim_start_matches(is_space);
            if trimmed.is_empty() {
                return Ok(Self { name, attributes });
            }
            if trimmed.len() == rest.len() {
                return Err(malformed("there is no space before an attribute"));
            }
            if attributes.len() >= most_attributes {
                return Err(TagFault::TooMany);
            }
            let (attribute, after) = attribute(trimmed)?;
            attributes.push(attribute);
            rest = after;
        }
    }
}

/// `Name S? '=' S? AttValue`, and what follows it.
fn attribute(text: &str) -> Result<((QName<'_>, String), &str), TagFault> {
    let (name, rest) = text.split_once('=').ok_or_else(|| malformed("an attribute has no value"))?;
    let name = name.trim_end_matches(is_space);
    let name = QName::parse(name)
        .ok_or_else(|| TagFault::Malformed(format!("{name:?} cannot be the name of an attribute")))?;
    let rest = rest.trim_start_matches(is_space);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let quote = quote.ok_or_else(|| malformed("the value of an attribute is not in quotation marks"))?;
    let (value, after) = rest
        .get(1..)
        .and_then(|rest| rest.split_once(quote))
        .ok_or_else(|| malformed("the value of an attribute does not end"))?;
    Ok(((name, attribute_value(value)?), after))
}

/// XML 1.0 section 3.3.3 for CDATA: white space becomes spaces, but not where it is written as a reference.
fn attribute_value(raw: &str) -> Result<String, TagFault> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\n', '\r']) {
        let (before, from) = rest.split_at(at);
        value.push_str(before);
        if from.starts_with('<') {
            return Err(malformed("there is a < in the value of an attribute"));
        }
        let Some(reference) = from.strip_prefix('&') else {
            value.push(' ');
            rest = from.get(1..).unwrap_or_default();
            continue;
        };
        let (name, after) = reference.split_once(';').ok_or_else(|| malformed("a reference does not end"))?;
        value.push(referenced(name).ok_or_else(|| TagFault::Entity(name.to_owned()))?);
        rest = after;
    }
    value.push_str(rest);
    Ok(value)
}

fn malformed(reason: &str) -> TagFault {
    TagFault::Malformed(reason.to_owned())
}
