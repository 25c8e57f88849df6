//! Canonical XML 1.0 and 1.1 and Exclusive XML Canonicalization 1.0: the octets that signatures are made over.

use std::{collections::HashMap, sync::Arc};

use super::{
    Attribute, Document, Element, NodeId, XML_NAMESPACE, XmlError, XmlLimits,
    base_uri::join,
    document::{Declarations, Kind, Tag},
};

/// Which canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonicalization {
    /// By whose rules.
    pub algorithm: Algorithm,
    /// Whether comments stay.
    pub comments: bool,
}

/// The rules of a canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Exclusive XML Canonicalization 1.0: namespaces are written where they are used.
    Exclusive {
        /// InclusiveNamespaces PrefixList: prefixes that are treated as Canonical XML does, all the same. The default
        /// namespace is the empty text here (`#default` there).
        inclusive: Vec<String>,
    },
    /// Canonical XML 1.0: all namespaces in scope, all `xml:` attributes of ancestors that are left out.
    Version10,
    /// Canonical XML 1.1: as 1.0, but `xml:id` is not inherited, and `xml:base` is joined.
    Version11,
}

/// The part of a document that is made canonical.
#[derive(Clone, Copy, Debug)]
pub struct Subset {
    /// Everything in this element; everything in the document when absent.
    pub apex: Option<NodeId>,
    /// But not this element and what lies in it (the signature itself, for an enveloped one).
    pub without: Option<NodeId>,
}

impl Canonicalization {
    /// By the algorithm's identifier in `CanonicalizationMethod` and `Transform`; `None` when it is another one.
    pub fn by_uri(uri: &str) -> Option<Self> {
        let exclusive = || Algorithm::Exclusive { inclusive: Vec::new() };
        let (algorithm, comments) = match uri {
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315" => (Algorithm::Version10, false),
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments" => (Algorithm::Version10, true),
            "http://www.w3.org/2006/12/xml-c14n11" => (Algorithm::Version11, false),
            "http://www.w3.org/2006/12/xml-c14n11#WithComments" => (Algorithm::Version11, true),
            "http://www.w3.org/2001/10/xml-exc-c14n#" => (exclusive(), false),
            "http://www.w3.org/2001/10/xml-exc-c14n#WithComments" => (exclusive(), true),
            _ => return None,
        };
        Some(Self { algorithm, comments })
    }

    /// Canonical XML 1.0 without comments, which XML-DSig falls back to (section 4.4.3.2).
    pub fn fallback() -> Self {
        Self { algorithm: Algorithm::Version10, comments: false }
    }
}

impl Subset {
    /// The whole document.
    pub const WHOLE: Self = Self { apex: None, without: None };

    /// One element with everything in it.
    pub fn of(element: Element<'_>) -> Self {
        Self { apex: Some(element.id()), without: None }
    }

    /// The same without one element.
    pub fn without(self, element: Element<'_>) -> Self {
        Self { without: Some(element.id()), ..self }
    }
}

impl Document {
    /// The canonical form of a part of the document.
    ///
    /// # Errors
    ///
    /// When it becomes longer than [`XmlLimits::canonical_bytes`], or the document has relative namespace names.
    pub fn canonicalize(
        &self,
        subset: Subset,
        form: &Canonicalization,
        limits: &XmlLimits,
    ) -> Result<Vec<u8>, XmlError> {
        if let Some(namespace) = &self.relative_namespace {
            return Err(XmlError::RelativeNamespace { namespace: namespace.to_string() });
        }
        let mut writer = Writer {
            document: self,
            form,
            limit: limits.canonical_bytes,
            out: Vec::new(),
            scope: Bindings::default(),
            written: Bindings::default(),
        };
        writer.write(subset)?;
        Ok(writer.out)
    }
}

struct Writer<'d> {
    document: &'d Document,
    form: &'d Canonicalization,
    limit: usize,
    out: Vec<u8>,
    /// What each prefix stands for at the present element.
    scope: Bindings,
    /// What the output so far says that it stands for.
    written: Bindings,
}

/// For each prefix, what it stood for, outermost first.
#[derive(Default)]
struct Bindings {
    meanings: HashMap<Arc<str>, Vec<Arc<str>>>,
}

/// An element whose end tag is still to be written.
struct Open {
    /// One past its last node.
    end: usize,
    at: usize,
    /// The prefixes that it put on `written`.
    written: Vec<Arc<str>>,
}

impl Writer<'_> {
    fn write(&mut self, subset: Subset) -> Result<(), XmlError> {
        let apex = subset.apex.map_or(0, |id| id.0);
        let document = self.document;
        let end = document.nodes.get(apex).map_or(0, |entry| entry.end);
        let mut open: Vec<Open> = Vec::new();
        let mut at = apex;
        while at < end {
            self.close(&mut open, at)?;
            let Some(entry) = document.nodes.get(at) else { break };
            if subset.without == Some(NodeId(at)) {
                at = entry.end;
                continue;
            }
            match &entry.kind {
                Kind::Root => {}
                Kind::Element(tag) => {
                    let written = self.start(at, tag, at == apex)?;
                    open.push(Open { end: entry.end, at, written });
                }
                Kind::Text(text) => self.put_text(text),
                Kind::Comment(text) => {
                    if self.form.comments {
                        self.beside_root(at, &["<!--", text, "-->"]);
                    }
                }
                Kind::Instruction { target, data } if data.is_empty() => {
                    self.beside_root(at, &["<?", target, "?>"]);
                }
                Kind::Instruction { target, data } => {
                    self.beside_root(at, &["<?", target, " ", data, "?>"]);
                }
            }
            self.check()?;
            at += 1;
        }
        self.close(&mut open, end)
    }

    /// Ends the elements that end before `at`.
    fn close(&mut self, open: &mut Vec<Open>, at: usize) -> Result<(), XmlError> {
        while let Some(last) = open.pop_if(|last| last.end <= at) {
            let Some(Kind::Element(tag)) = self.document.nodes.get(last.at).map(|entry| &entry.kind) else {
                continue;
            };
            self.put("</");
            self.put_name(&tag.prefix, &tag.local);
            self.put(">");
            for (prefix, _) in &tag.declarations {
                self.scope.pop(prefix);
            }
            for prefix in &last.written {
                self.written.pop(prefix);
            }
            self.check()?;
        }
        Ok(())
    }

    /// Writes a start tag; gives the prefixes whose declarations it wrote.
    fn start(&mut self, at: usize, tag: &Tag, is_apex: bool) -> Result<Vec<Arc<str>>, XmlError> {
        if is_apex {
            self.enter_ancestors(at);
        }
        for (prefix, uri) in &tag.declarations {
            self.scope.push(prefix, uri);
        }
        let declarations = self.declarations(tag, is_apex);
        self.put("<");
        self.put_name(&tag.prefix, &tag.local);
        for (prefix, uri) in &declarations {
            self.put(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.put(prefix);
            self.put("=\"");
            self.put_value(uri);
            self.put("\"");
            self.check()?;
        }
        let mut attributes: Vec<Attribute> = tag.attributes.clone();
        if is_apex {
            self.inherit(at, &mut attributes);
        }
        attributes.sort_by(|one, other| (&one.namespace, &one.local).cmp(&(&other.namespace, &other.local)));
        for attribute in &attributes {
            self.put(" ");
            self.put_name(&attribute.prefix, &attribute.local);
            self.put("=\"");
            self.put_value(&attribute.value);
            self.put("\"");
        }
        self.put(">");
        let mut written = Vec::with_capacity(declarations.len());
        for (prefix, uri) in declarations {
            self.written.push(&prefix, &uri);
            written.push(prefix);
        }
        Ok(written)
    }

    /// What is declared around the apex is in scope there.
    fn enter_ancestors(&mut self, at: usize) {
        let Some(element) = self.document.element(NodeId(at)) else { return };
        let ancestors: Vec<_> = element.ancestors().collect();
        for ancestor in ancestors.iter().rev() {
            for (prefix, uri) in &ancestor.tag.declarations {
                self.scope.push(prefix, uri);
            }
        }
    }

    /// The declarations to write, sorted by prefix, the default first.
    ///
    /// Canonical XML 1.0 section 2.3 writes what is in scope and does not stand in the output yet; the exclusive form
    /// (its section 3) only what is visibly used, save for the prefixes of the list.
    fn declarations(&self, tag: &Tag, is_apex: bool) -> Declarations {
        let declared = tag.declarations.iter().map(|(prefix, _)| prefix.clone());
        let in_scope = || self.scope.meanings.keys().cloned();
        let mut prefixes: Vec<Arc<str>> = match &self.form.algorithm {
            Algorithm::Version10 | Algorithm::Version11 if is_apex => in_scope().collect(),
            Algorithm::Version10 | Algorithm::Version11 => declared.collect(),
            Algorithm::Exclusive { inclusive } => {
                let listed = |prefix: &Arc<str>| inclusive.iter().any(|listed| **listed == **prefix);
                let mut prefixes: Vec<_> = if is_apex {
                    in_scope().filter(listed).collect()
                } else {
                    declared.filter(listed).collect()
                };
                prefixes.push(tag.prefix.clone());
                let used = tag.attributes.iter().map(|attribute| &attribute.prefix);
                prefixes.extend(used.filter(|prefix| !prefix.is_empty()).cloned());
                prefixes
            }
        };
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes
            .into_iter()
            .filter(|prefix| **prefix != *"xml")
            .filter_map(|prefix| {
                let uri = self.scope.meaning(&prefix);
                (uri != self.written.meaning(&prefix)).then(|| (prefix, uri.unwrap_or_default()))
            })
            .collect()
    }

    /// Gives an element whose parent is left out the `xml:` attributes that it has from there.
    fn inherit(&self, at: usize, attributes: &mut Vec<Attribute>) {
        let Some(element) = self.document.element(NodeId(at)) else { return };
        let ancestors: Vec<Element<'_>> = element.ancestors().collect();
        if ancestors.is_empty() {
            return;
        }
        let (inheritable, joins): (fn(&str) -> bool, bool) = match self.form.algorithm {
            Algorithm::Exclusive { .. } => return,
            Algorithm::Version10 => (|_| true, false),
            Algorithm::Version11 => (|local| matches!(local, "lang" | "space"), true),
        };
        for attribute in ancestors.iter().flat_map(Element::attributes) {
            let known =
                |own: &Attribute| own.namespace == attribute.namespace && own.local == attribute.local;
            if *attribute.namespace == *XML_NAMESPACE
                && inheritable(&attribute.local)
                && !attributes.iter().any(known)
            {
                attributes.push(attribute.clone());
            }
        }
        if joins {
            join_bases(&ancestors, attributes);
        }
    }

    /// A comment or instruction; outside of the root element it stands on a line of its own.
    fn beside_root(&mut self, at: usize, parts: &[&str]) {
        let outside = self.document.nodes.get(at).is_some_and(|entry| entry.parent == 0);
        let before = at < self.document.root().id().0;
        if outside && !before {
            self.put("\n");
        }
        for part in parts {
            self.put(part);
        }
        if outside && before {
            self.put("\n");
        }
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn put_name(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.put(prefix);
            self.put(":");
        }
        self.put(local);
    }

    fn put_text(&mut self, text: &str) {
        self.put_escaped(text, |byte| match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'\r' => "&#xD;",
            _ => "",
        });
    }

    fn put_value(&mut self, value: &str) {
        self.put_escaped(value, |byte| match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'"' => "&quot;",
            b'\t' => "&#x9;",
            b'\n' => "&#xA;",
            b'\r' => "&#xD;",
            _ => "",
        });
    }

    /// Writes runs that need no escape at once.
    fn put_escaped(&mut self, text: &str, escape: fn(u8) -> &'static str) {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| !escape(byte).is_empty()) {
            // What is escaped is ASCII, so both cuts fall between characters.
            let (run, from) = rest.split_at(at);
            self.put(run);
            self.put(from.bytes().next().map_or("", escape));
            rest = from.get(1..).unwrap_or_default();
        }
        self.put(rest);
    }

    fn check(&self) -> Result<(), XmlError> {
        if self.out.len() > self.limit {
            return Err(XmlError::Limit { what: "bytes of canonical form", limit: self.limit });
        }
        Ok(())
    }
}

impl Bindings {
    fn push(&mut self, prefix: &Arc<str>, uri: &Arc<str>) {
        self.meanings.entry(prefix.clone()).or_default().push(uri.clone());
    }

    fn pop(&mut self, prefix: &str) {
        if let Some(meanings) = self.meanings.get_mut(prefix) {
            meanings.pop();
        }
    }

    /// `None` where it stands for nothing; the default namespace "none" is nothing too.
    fn meaning(&self, prefix: &str) -> Option<Arc<str>> {
        self.meanings.get(prefix)?.last().filter(|uri| !uri.is_empty()).cloned()
    }
}

/// `xml:base` fixup (Canonical XML 1.1 section 2.4): the bases of the ancestors that are left out, outermost first, and
/// the element's own are joined.
fn join_bases(ancestors: &[Element<'_>], attributes: &mut Vec<Attribute>) {
    let is_base =
        |attribute: &&Attribute| *attribute.namespace == *XML_NAMESPACE && *attribute.local == *"base";
    let inherited = ancestors.iter().rev().filter_map(|ancestor| ancestor.attributes().iter().find(is_base));
    let own = attributes.iter().find(is_base).cloned();
    let Some((model, joined)) = inherited
        .chain(own.as_ref())
        .map(|attribute| (attribute, attribute.value.clone()))
        .reduce(|(_, base), (model, value)| (model, join(&base, &value)))
    else {
        return;
    };
    let model = Attribute { value: joined, ..model.clone() };
    attributes.retain(|attribute| !is_base(&attribute));
    if !model.value.is_empty() {
        attributes.push(model);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str, apex: &str, form: &Canonicalization) -> String {
        let limits = XmlLimits::default();
        let document = Document::parse(text.as_bytes(), &limits).unwrap();
        let subset = match apex {
            "" => Subset::WHOLE,
            id => Subset::of(document.identified(id).next().unwrap()),
        };
        String::from_utf8(document.canonicalize(subset, form, &limits).unwrap()).unwrap()
    }

    fn form(algorithm: Algorithm) -> Canonicalization {
        Canonicalization { algorithm, comments: false }
    }

    fn exclusive(inclusive: &[&str]) -> Canonicalization {
        let inclusive = inclusive.iter().map(|&prefix| prefix.to_owned()).collect();
        form(Algorithm::Exclusive { inclusive })
    }

    #[test]
    fn what_stands_beside_the_root_element_gets_lines_of_its_own() {
        let text = "<?xml version='1.0'?>\n\n<?a  b c?>\r\n<!-- x -->\n<r/>\n<!-- y --><?z?>\n\n";
        let with = Canonicalization { comments: true, ..Canonicalization::fallback() };
        assert_eq!(canonical(text, "", &with), "<?a b c?>\n<!-- x -->\n<r></r>\n<!-- y -->\n<?z?>");
        assert_eq!(canonical(text, "", &Canonicalization::fallback()), "<?a b c?>\n<r></r>\n<?z?>");
    }

    #[test]
    fn characters_are_spelt_in_one_way() {
        let text =
            "<r a='&lt;&#9;\"&apos;&gt;&#xD;&#10;\n\t' b=\"&amp;\">&#13;&gt;\"'<![CDATA[<&>]]>\r\nế</r>";
        assert_eq!(
            canonical(text, "", &Canonicalization::fallback()),
            "<r a=\"&lt;&#x9;&quot;'>&#xD;&#xA;  \" b=\"&amp;\">&#xD;&gt;\"'&lt;&amp;&gt;\nế</r>"
        );
    }

    /// What libxml2 does otherwise: it writes the ampersand bare, and drops the empty base of a root element in 1.1.
    #[test]
    fn namespace_names_are_escaped_and_an_empty_base_of_the_root_stays() {
        for algorithm in [Algorithm::Version10, Algorithm::Version11] {
            let text = "<p:r xmlns:p='urn:&amp;&quot;' xml:base='' Id='r'/>";
            let canonical_text = "<p:r xmlns:p=\"urn:&amp;&quot;\" Id=\"r\" xml:base=\"\"></p:r>";
            for apex in ["", "r"] {
                assert_eq!(canonical(text, apex, &form(algorithm.clone())), canonical_text);
            }
        }
        let text = "<r xml:base='a/'><p Id='p' xml:base='..'/></r>";
        assert_eq!(canonical(text, "p", &form(Algorithm::Version11)), "<p Id=\"p\"></p>");
    }

    #[test]
    fn attributes_and_namespaces_are_sorted_and_said_once() {
        let text = "<r xmlns:b='urn:2' xmlns:a='urn:9' a:z='1' b:y='2' x='3' xmlns='urn:d' xml:lang='vi'>\
                    <c xmlns='urn:d' xmlns:a='urn:9' a:q='1'/><d xmlns=''><e xmlns='' xmlns:a='urn:8'/></d></r>";
        assert_eq!(
            canonical(text, "", &Canonicalization::fallback()),
            "<r xmlns=\"urn:d\" xmlns:a=\"urn:9\" xmlns:b=\"urn:2\" x=\"3\" xml:lang=\"vi\" b:y=\"2\" a:z=\"1\">\
             <c a:q=\"1\"></c><d xmlns=\"\"><e xmlns:a=\"urn:8\"></e></d></r>"
        );
    }

    /// The subset of the three standards' own examples: what an element gets from ancestors that are left out.
    #[test]
    fn a_part_takes_along_what_its_form_says() {
        let text = "<r xmlns='urn:d' xmlns:a='urn:a' xmlns:b='urn:b' xml:lang='vi' xml:id='r' xml:base='http://x/y/z'>\
                    <m xml:space='preserve' xml:base='../w/'><p Id='p' a:k='1' xml:base='v'><b:q/></p></m></r>";
        assert_eq!(
            canonical(text, "p", &form(Algorithm::Version10)),
            "<p xmlns=\"urn:d\" xmlns:a=\"urn:a\" xmlns:b=\"urn:b\" Id=\"p\" xml:base=\"v\" xml:id=\"r\" \
             xml:lang=\"vi\" xml:space=\"preserve\" a:k=\"1\"><b:q></b:q></p>"
        );
        assert_eq!(
            canonical(text, "p", &form(Algorithm::Version11)),
            "<p xmlns=\"urn:d\" xmlns:a=\"urn:a\" xmlns:b=\"urn:b\" Id=\"p\" xml:base=\"http://x/w/v\" \
             xml:lang=\"vi\" xml:space=\"preserve\" a:k=\"1\"><b:q></b:q></p>"
        );
        assert_eq!(
            canonical(text, "p", &exclusive(&[])),
            "<p xmlns=\"urn:d\" xmlns:a=\"urn:a\" Id=\"p\" xml:base=\"v\" a:k=\"1\">\
             <b:q xmlns:b=\"urn:b\"></b:q></p>"
        );
        assert_eq!(
            canonical(text, "p", &exclusive(&["b", "none"])),
            "<p xmlns=\"urn:d\" xmlns:a=\"urn:a\" xmlns:b=\"urn:b\" Id=\"p\" xml:base=\"v\" a:k=\"1\">\
             <b:q></b:q></p>"
        );
    }

    #[test]
    fn the_exclusive_form_repeats_what_siblings_use_and_undeclares_the_default() {
        let text = "<r xmlns:a='urn:a'><a:x/><a:x/><s xmlns='urn:s'><t xmlns=''/></s></r>";
        assert_eq!(
            canonical(text, "", &exclusive(&[])),
            "<r><a:x xmlns:a=\"urn:a\"></a:x><a:x xmlns:a=\"urn:a\"></a:x>\
             <s xmlns=\"urn:s\"><t xmlns=\"\"></t></s></r>"
        );
        // A listed prefix follows each change of its meaning, used or not.
        let text = "<r xmlns:a='urn:a'><s xmlns:a='urn:b'><t xmlns='urn:t'/></s></r>";
        assert_eq!(
            canonical(text, "", &exclusive(&["a", ""])),
            "<r xmlns:a=\"urn:a\"><s xmlns:a=\"urn:b\"><t xmlns=\"urn:t\"></t></s></r>"
        );
    }

    #[test]
    fn one_element_may_be_left_out() {
        let limits = XmlLimits::default();
        let document = Document::parse(b"<r>a<s Id='s'><t/></s>b</r>", &limits).unwrap();
        let subset = Subset::WHOLE.without(document.identified("s").next().unwrap());
        let bytes = document.canonicalize(subset, &Canonicalization::fallback(), &limits).unwrap();
        assert_eq!(bytes, b"<r>ab</r>");
    }

    #[test]
    fn no_form_for_relative_namespaces_nor_beyond_the_limit() {
        let limits = XmlLimits { canonical_bytes: 100, ..XmlLimits::default() };
        let document = Document::parse(b"<r><a xmlns:x='rel'/></r>", &limits).unwrap();
        assert!(matches!(
            document.canonicalize(Subset::WHOLE, &Canonicalization::fallback(), &limits),
            Err(XmlError::RelativeNamespace { .. })
        ));
        let repeated = format!("<r xmlns:a='urn:{}'>{}</r>", "x".repeat(40), "<a:a/>".repeat(9));
        let document = Document::parse(repeated.as_bytes(), &limits).unwrap();
        assert!(matches!(
            document.canonicalize(Subset::WHOLE, &exclusive(&[]), &limits),
            Err(XmlError::Limit { what: "bytes of canonical form", .. })
        ));
    }

    #[test]
    fn forms_are_known_by_their_identifiers() {
        let comments = Canonicalization::by_uri("http://www.w3.org/2006/12/xml-c14n11#WithComments").unwrap();
        assert_eq!(comments, Canonicalization { algorithm: Algorithm::Version11, comments: true });
        assert_eq!(
            Canonicalization::by_uri("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
            Some(Canonicalization::fallback())
        );
        assert_eq!(Canonicalization::by_uri("http://www.w3.org/TR/1999/REC-xpath-19991116"), None);
    }
}
