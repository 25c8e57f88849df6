//! The xml:base of an element whose ancestors are left out (Canonical XML 1.1 section 2.4 and appendix A).

/// `join-URI-References`: RFC 3986 section 5.2 for a base that may itself be relative, so that `..` segments which
/// lead out of it are kept.
pub(super) fn join(base: &str, reference: &str) -> String {
    let (base, reference) = (Parts::of(base), Parts::of(reference));
    let joined = if reference.scheme.is_some() {
        Parts { path: normalized(&reference.path), ..reference }
    } else if reference.authority.is_some() {
        Parts { scheme: base.scheme, path: normalized(&reference.path), ..reference }
    } else {
        let (path, query) = if reference.path.is_empty() {
            (normalized(&base.path), reference.query.or(base.query))
        } else if reference.path.starts_with('/') {
            (normalized(&reference.path), reference.query)
        } else {
            (normalized(&merged(&base, &reference.path)), reference.query)
        };
        Parts { scheme: base.scheme, authority: base.authority, path, query }
    };
    joined.to_text()
}

/// A URI reference without its fragment (RFC 3986 appendix B).
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: String,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains(['/', '?']) => {
                (Some(scheme), rest)
            }
            _ => (None, text),
        };
        let (rest, query) =
            rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path: path.to_owned(), query }
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some(scheme) = self.scheme {
            text.push_str(scheme);
            text.push(':');
        }
        if let Some(authority) = self.authority {
            text.push_str("//");
            text.push_str(authority);
        }
        text.push_str(&self.path);
        if let Some(query) = self.query {
            text.push('?');
            text.push_str(query);
        }
        text
    }
}

/// RFC 3986 section 5.2.3; a base that ends in `.` or `..` is the folder of that name.
fn merged(base: &Parts<'_>, reference: &str) -> String {
    if base.authority.is_some() && base.path.is_empty() {
        return format!("/{reference}");
    }
    if matches!(base.path.rsplit('/').next(), Some("." | "..")) {
        return format!("{}/{reference}", base.path);
    }
    let folder = base.path.rfind('/').map_or("", |slash| base.path.get(..=slash).unwrap_or_default());
    format!("{folder}{reference}")
}

/// `Remove Dot Segments` as changed: repeated slashes become one, `..` stays where nothing is left to remove from a
/// relative path, and a last `..` gets a slash.
fn normalized(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut folder = path.ends_with('/');
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if absolute => {}
            _ => kept.push(segment),
        }
    }
    folder |= matches!(path.rsplit('/').next(), Some("." | ".."));
    let mut text = String::from(if absolute { "/" } else { "" });
    text.push_str(&kept.join("/"));
    if folder && !kept.is_empty() {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_joined_as_the_appendix_says() {
        for (base, reference, joined) in [
            // RFC 3986 section 5.4
            ("http://a/b/c/d;p?q", "g:h", "g:h"),
            ("http://a/b/c/d;p?q", "g", "http://a/b/c/g"),
            ("http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"),
            ("http://a/b/c/d;p?q", "/g", "http://a/g"),
            ("http://a/b/c/d;p?q", "//g", "http://g"),
            ("http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"),
            ("http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"),
            ("http://a/b/c/d;p?q", ".", "http://a/b/c/"),
            ("http://a/b/c/d;p?q", "../g", "http://a/b/g"),
            ("http://a/b/c/d;p?q", "../..", "http://a/"),
            ("http://a/b/c/d;p?q", "../../../g", "http://a/g"),
            ("http://a/b/c/d;p?q", "g?y/./x", "http://a/b/c/g?y/./x"),
            ("http://a", "g", "http://a/g"),
            // Canonical XML 1.1 appendix A
            ("..", "a", "../a"),
            ("..", "..", "../../"),
            ("../", "..", "../../"),
            ("../", "a/..", "../"),
            ("a", "..", "../"),
            ("a/", "..", ""),
            ("a/b", "../../c", "../c"),
            ("foo/bar", "baz#x", "foo/baz"),
            ("foo//bar", "./baz", "foo/baz"),
            ("", "../x", "../x"),
        ] {
            assert_eq!(join(base, reference), joined, "{base} + {reference}");
        }
    }
}
