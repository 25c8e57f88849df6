//! As much of JSON Schema 2020-12 as `docs/verify.schema.json` uses; a keyword that is not known here is a fault.

use serde_json::Value;

/// Everything that `value` breaks in `schema`. `root` is the document that `$ref` points into.
pub(crate) fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let rules = match schema {
        Value::Bool(true) => return Vec::new(),
        Value::Bool(false) => return vec![format!("{at}: not allowed here")],
        Value::Object(rules) => rules,
        other => return vec![format!("{at}: {other} is no schema")],
    };
    let mut found = Vec::new();
    let mut fault = |words: String| found.push(format!("{at}: {words}"));
    let mut inner = Vec::new();
    for (keyword, rule) in rules {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "then" | "else" => {}
            "$ref" => {
                let target = root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap();
                inner.extend(faults(root, target, value, at));
            }
            "allOf" => {
                for part in rule.as_array().unwrap() {
                    inner.extend(faults(root, part, value, at));
                }
            }
            "if" => {
                let holds = faults(root, rule, value, at).is_empty();
                if let Some(next) = rules.get(if holds { "then" } else { "else" }) {
                    inner.extend(faults(root, next, value, at));
                }
            }
            "type" => {
                let fits = match rule.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    other => panic!("type {other}"),
                };
                if !fits {
                    fault(format!("not of type {rule}"));
                }
            }
            "const" if value != rule => fault(format!("not {rule}")),
            "enum" if !rule.as_array().unwrap().contains(value) => {
                fault(format!("{value} is none of {rule}"));
            }
            "const" | "enum" => {}
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        fault(format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, part) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        inner.extend(faults(root, part, value, &format!("{at}.{name}")));
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(rule, &Value::Bool(false));
                let known = rules["properties"].as_object().unwrap();
                for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
                    if !known.contains_key(name) {
                        fault(format!("{name} is not known"));
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    inner.extend(faults(root, rule, item, &format!("{at}[{index}]")));
                }
            }
            "contains" => {
                let items = value.as_array().into_iter().flatten();
                if value.is_array() && !items.clone().any(|item| faults(root, rule, item, at).is_empty()) {
                    fault("no item fits `contains`".to_owned());
                }
            }
            "minItems" | "maxItems" => {
                let (len, bound) = (value.as_array().map_or(0, Vec::len) as u64, rule.as_u64().unwrap());
                if value.is_array() && (if keyword == "minItems" { len < bound } else { len > bound }) {
                    fault(format!("{len} items against {keyword} {bound}"));
                }
            }
            "minLength" => {
                if value.as_str().is_some_and(|text| (text.chars().count() as u64) < rule.as_u64().unwrap()) {
                    fault("too short".to_owned());
                }
            }
            "minimum" if value.as_i64() < rule.as_i64() => fault(format!("below {rule}")),
            "maximum" if value.as_i64() > rule.as_i64() => fault(format!("above {rule}")),
            "minimum" | "maximum" => {}
            "format" => {
                assert_eq!(rule, "date-time");
                if value.as_str().is_none_or(|text| text.parse::<kyso::base::UtcTime>().is_err()) {
                    fault("not a date-time".to_owned());
                }
            }
            "pattern" => {
                let text = value.as_str().unwrap_or_default();
                let hex = |text: &str| text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
                let number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
                let fits = match rule.as_str().unwrap() {
                    "^[0-9a-f]{64}$" => text.len() == 64 && hex(text),
                    "^[0-9a-f]+$" => !text.is_empty() && hex(text),
                    "^S-[1-9][0-9]*$" => {
                        text.strip_prefix("S-").is_some_and(|rest| number(rest) && !rest.starts_with('0'))
                    }
                    "^[0-9]+ [0-9]+ R$" => {
                        let parts: Vec<_> = text.split(' ').collect();
                        matches!(parts.as_slice(), [one, two, "R"] if number(one) && number(two))
                    }
                    other => panic!("pattern {other} is not known to this test"),
                };
                if !fits {
                    fault(format!("{text:?} does not fit {rule}"));
                }
            }
            other => fault(format!("the keyword {other} is not known to this test")),
        }
    }
    found.extend(inner);
    found
}
