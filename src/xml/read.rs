//! From bytes to a tree. `quick-xml` cuts the text into pieces; what each piece may be is checked here.

use std::{
    collections::{HashMap, HashSet},
    str,
    sync::Arc,
};

use quick_xml::{Reader, events::Event};

use super::{
    Attribute, Document, NodeId, XML_NAMESPACE, XMLNS_NAMESPACE, XmlError, XmlLimits,
    characters::{is_absolute, is_char, is_ncname, is_space, referenced},
    document::{Declarations, Entry, Kind, Tag},
    tags::{QName, RawTag, TagFault},
};

impl Document {
    /// Reads a document: XML 1.0 with namespaces, in UTF-8.
    ///
    /// # Errors
    ///
    /// When it is not well-formed or not namespace-well-formed, has a document type declaration, names an entity
    /// other than `amp`, `apos`, `gt`, `lt` and `quot`, is in another encoding, or exceeds a limit.
    pub fn parse(bytes: &[u8], limits: &XmlLimits) -> Result<Self, XmlError> {
        if bytes.len() > limits.bytes {
            return Err(XmlError::Limit { what: "bytes", limit: limits.bytes });
        }
        let text = decoded(bytes)?;
        Parser::new(&text, limits).parse()
    }
}

/// XML 1.0 sections 2.2 and 2.11: legal characters only, every line end one LF.
fn decoded(bytes: &[u8]) -> Result<String, XmlError> {
    let encoding = |reason: &str| XmlError::Encoding { reason: reason.to_owned() };
    if bytes.starts_with(&[0xFE, 0xFF]) || bytes.starts_with(&[0xFF, 0xFE]) {
        return Err(encoding("it is in UTF-16"));
    }
    let text = str::from_utf8(bytes).map_err(|error| XmlError::Encoding { reason: error.to_string() })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if let Some((at, c)) = text.char_indices().find(|&(_, c)| !is_char(c)) {
        let line = line_of(text, at);
        let reason = format!("the character U+{:04X} may not stand in XML", u32::from(c));
        return Err(XmlError::Malformed { line, reason });
    }
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count()
}

struct Parser<'t> {
    text: &'t str,
    reader: Reader<&'t [u8]>,
    limits: &'t XmlLimits,
    nodes: Vec<Entry>,
    /// Places of the elements that are open, outermost first, with their names as written.
    open: Vec<(usize, &'t str)>,
    /// For each prefix what it stood for, outermost first, with the depth of the declaration.
    scope: HashMap<Arc<str>, Vec<(usize, Arc<str>)>>,
    /// Names and namespaces are few: each is kept once.
    interned: HashSet<Arc<str>>,
    relative_namespace: Option<Arc<str>>,
    root: Option<(usize, Arc<Tag>)>,
    /// The last text that was written as a CDATA section, in part at least.
    cdata: Option<usize>,
    spliced: Option<usize>,
    /// Where the present event began.
    at: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, limits: &'t XmlLimits) -> Self {
        let mut reader = Reader::from_reader(text.as_bytes());
        let config = reader.config_mut();
        // All of it is checked here, with the names as written.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.check_comments = false;
        config.expand_empty_elements = false;
        Self {
            text,
            reader,
            limits,
            nodes: vec![Entry { parent: 0, end: 0, kind: Kind::Root }],
            open: Vec::new(),
            scope: HashMap::new(),
            interned: HashSet::new(),
            relative_namespace: None,
            root: None,
            cdata: None,
            spliced: None,
            at: 0,
        }
    }

    fn parse(mut self) -> Result<Document, XmlError> {
        loop {
            self.at = self.position();
            let event = self.reader.read_event().map_err(|error| self.malformed(error.to_string()))?;
            // The piece as written: no reading of another's stands between the text and the checks.
            let piece = self.text.get(self.at..self.position()).unwrap_or_default();
            match event {
                Event::Start(_) => self.start(within(piece, "<", ">"), false)?,
                Event::Empty(_) => self.start(within(piece, "<", "/>"), true)?,
                Event::End(_) => self.end(within(piece, "</", ">"))?,
                Event::Text(_) => self.text(piece)?,
                Event::CData(_) => self.cdata(within(piece, "<![CDATA[", "]]>"))?,
                Event::Comment(_) => self.comment(within(piece, "<!--", "-->"))?,
                Event::PI(_) => self.instruction(within(piece, "<?", "?>"))?,
                Event::Decl(_) => self.declaration(within(piece, "<?xml", "?>"))?,
                Event::GeneralRef(_) => self.reference(within(piece, "&", ";"))?,
                Event::DocType(_) => return Err(self.refused("a document type declaration")),
                Event::Eof => break,
            }
        }
        if let Some((_, name)) = self.open.last() {
            return Err(self.malformed(format!("<{name}> is not closed")));
        }
        let Some(root) = self.root.take() else {
            return Err(self.malformed("there is no element"));
        };
        let end = self.nodes.len();
        if let Some(all) = self.nodes.first_mut() {
            all.end = end;
        }
        Ok(Document {
            nodes: self.nodes,
            root,
            relative_namespace: self.relative_namespace,
            spliced: self.spliced.map(NodeId),
        })
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn start(&mut self, inside: Option<&'t str>, empty: bool) -> Result<(), XmlError> {
        let inside = inside.ok_or_else(|| self.malformed("a tag is broken"))?;
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.malformed("a second root element"));
        }
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::Limit { what: "levels", limit: self.limits.depth });
        }
        let most = self.limits.attributes.saturating_add(self.limits.declarations);
        let raw = RawTag::parse(inside, most).map_err(|fault| match fault {
            TagFault::Malformed(reason) => self.malformed(reason),
            TagFault::Entity(name) => self.refused(format!("the reference &{name};")),
            TagFault::TooMany => XmlError::Limit { what: "attributes of one element", limit: most },
        })?;
        let depth = self.open.len() + 1;
        let (declared, plain): (Vec<_>, Vec<_>) =
            raw.attributes.into_iter().partition(|(name, _)| is_declaration(*name));
        let declarations = self.declare(declared, depth)?;
        let tag = self.resolve(raw.name, plain, declarations)?;
        let tag = Arc::new(tag);
        let at = self.push(Kind::Element(tag.clone()))?;
        self.root.get_or_insert((at, tag));
        if empty {
            self.leave(at, depth);
        } else {
            let name_end = inside.find(is_space).unwrap_or(inside.len());
            self.open.push((at, inside.get(..name_end).unwrap_or_default()));
        }
        Ok(())
    }

    fn end(&mut self, inside: Option<&str>) -> Result<(), XmlError> {
        let name = inside.map(|inside| inside.trim_end_matches(is_space)).unwrap_or_default();
        let depth = self.open.len();
        match self.open.pop() {
            Some((at, opened)) if opened == name => {
                self.leave(at, depth);
                Ok(())
            }
            Some((_, opened)) => Err(self.malformed(format!("</{name}> ends <{opened}>"))),
            None => Err(self.malformed(format!("</{name}> ends nothing"))),
        }
    }

    /// Closes the element and forgets what it declared.
    fn leave(&mut self, at: usize, depth: usize) {
        let end = self.nodes.len();
        let Some(entry) = self.nodes.get_mut(at) else { return };
        entry.end = end;
        let Kind::Element(tag) = &entry.kind else { return };
        for (prefix, _) in &tag.declarations {
            if let Some(meanings) = self.scope.get_mut(prefix) {
                meanings.retain(|(declared_at, _)| *declared_at < depth);
            }
        }
    }

    /// Takes in the namespace declarations of a start tag (Namespaces in XML 1.0 sections 2 and 3).
    fn declare(
        &mut self,
        declared: Vec<(QName<'_>, String)>,
        depth: usize,
    ) -> Result<Declarations, XmlError> {
        if declared.len() > self.limits.declarations {
            let limit = self.limits.declarations;
            return Err(XmlError::Limit { what: "namespace declarations of one element", limit });
        }
        let mut declarations: Declarations = Vec::with_capacity(declared.len());
        for (name, uri) in declared {
            let prefix = if name.prefix.is_empty() { "" } else { name.local };
            let wrong = match (prefix, uri.as_str()) {
                ("xmlns", _) => Some("the prefix xmlns cannot be declared"),
                ("xml", XML_NAMESPACE) => None,
                ("xml", _) | (_, XML_NAMESPACE) => Some("the prefix xml and its namespace belong together"),
                (_, XMLNS_NAMESPACE) => Some("the namespace of declarations cannot be declared"),
                ("", _) => None,
                (_, "") => Some("a prefix cannot be undeclared"),
                _ => None,
            };
            if let Some(wrong) = wrong {
                return Err(self.malformed(wrong));
            }
            if declarations.iter().any(|(other, _)| **other == *prefix) {
                return Err(self.malformed(format!("the prefix {prefix:?} is declared twice")));
            }
            let (prefix, uri) = (self.intern(prefix)?, self.intern(&uri)?);
            if !uri.is_empty() && !is_absolute(&uri) {
                self.relative_namespace.get_or_insert_with(|| uri.clone());
            }
            self.scope.entry(prefix.clone()).or_default().push((depth, uri.clone()));
            declarations.push((prefix, uri));
        }
        Ok(declarations)
    }

    fn resolve(
        &mut self,
        name: QName<'_>,
        plain: Vec<(QName<'_>, String)>,
        declarations: Declarations,
    ) -> Result<Tag, XmlError> {
        if plain.len() > self.limits.attributes {
            let limit = self.limits.attributes;
            return Err(XmlError::Limit { what: "attributes of one element", limit });
        }
        let namespace = self.meaning(name.prefix)?;
        let mut seen = HashSet::with_capacity(plain.len());
        let mut attributes = Vec::with_capacity(plain.len());
        for (name, value) in plain {
            // An attribute without a prefix has no namespace, whatever the default is.
            let namespace =
                if name.prefix.is_empty() { self.intern("")? } else { self.meaning(name.prefix)? };
            let (prefix, local) = (self.intern(name.prefix)?, self.intern(name.local)?);
            if !seen.insert((namespace.clone(), local.clone())) {
                return Err(self.malformed(format!("the attribute {local} occurs twice")));
            }
            attributes.push(Attribute { prefix, local, namespace, value });
        }
        let (prefix, local) = (self.intern(name.prefix)?, self.intern(name.local)?);
        Ok(Tag { prefix, local, namespace, attributes, declarations })
    }

    /// What a prefix stands for here.
    fn meaning(&mut self, prefix: &str) -> Result<Arc<str>, XmlError> {
        match prefix {
            "xml" => return self.intern(XML_NAMESPACE),
            "xmlns" => return Err(self.malformed("the prefix xmlns is only for declarations")),
            _ => {}
        }
        match self.scope.get(prefix).and_then(|meanings| meanings.last()) {
            Some((_, uri)) => Ok(uri.clone()),
            None if prefix.is_empty() => self.intern(""),
            None => Err(self.malformed(format!("the prefix {prefix} is not declared"))),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        if text.contains("]]>") {
            return Err(self.malformed("]]> in text"));
        }
        if text.contains(['<', '&']) {
            return Err(self.malformed("a < or & that begins nothing"));
        }
        if !self.open.is_empty() {
            return self.characters(text, false);
        }
        if text.chars().all(is_space) {
            Ok(())
        } else {
            Err(self.malformed("text outside of the root element"))
        }
    }

    fn cdata(&mut self, inside: Option<&str>) -> Result<(), XmlError> {
        let text = inside.filter(|text| !text.contains("]]>") && !self.open.is_empty());
        let text = text.ok_or_else(|| self.malformed("a CDATA section is broken or out of place"))?;
        self.characters(text, true)
    }

    fn reference(&mut self, inside: Option<&str>) -> Result<(), XmlError> {
        let name = inside.unwrap_or_default();
        if self.open.is_empty() {
            return Err(self.malformed("a reference outside of the root element"));
        }
        let c = referenced(name).ok_or_else(|| self.refused(format!("the reference &{name};")))?;
        self.characters(c.encode_utf8(&mut [0; 4]), false)
    }

    /// Joins text with the text before it.
    fn characters(&mut self, text: &str, cdata: bool) -> Result<(), XmlError> {
        if text.is_empty() {
            return Ok(());
        }
        let here = self.open.last().map_or(0, |(at, _)| *at);
        let last = self.nodes.len().saturating_sub(1);
        if let Some(Entry { parent, kind: Kind::Text(before), .. }) = self.nodes.last_mut()
            && *parent == here
        {
            let speaks = |text: &str| !text.chars().all(is_space);
            // Cheap questions first: `before` may be long, and is asked only until it says something.
            let joins = self.spliced.is_none() && (cdata || self.cdata == Some(last));
            if joins && speaks(text) && speaks(before) {
                self.spliced = Some(last);
            }
            if cdata {
                self.cdata = Some(last);
            }
            before.push_str(text);
            return Ok(());
        }
        let at = self.push(Kind::Text(text.to_owned()))?;
        if cdata {
            self.cdata = Some(at);
        }
        Ok(())
    }

    fn comment(&mut self, inside: Option<&str>) -> Result<(), XmlError> {
        let text = inside.filter(|text| !text.contains("--") && !text.ends_with('-'));
        let text = text.ok_or_else(|| self.malformed("a comment with -- in it"))?;
        self.push(Kind::Comment(text.to_owned())).map(drop)
    }

    fn instruction(&mut self, inside: Option<&str>) -> Result<(), XmlError> {
        let inside = inside.filter(|inside| !inside.contains("?>"));
        let inside = inside.ok_or_else(|| self.malformed("a processing instruction is broken"))?;
        let (target, data) = inside.split_at(inside.find(is_space).unwrap_or(inside.len()));
        if !is_ncname(target) || target.eq_ignore_ascii_case("xml") {
            return Err(self.malformed(format!("{target:?} cannot be the target of an instruction")));
        }
        let (target, data) = (target.to_owned(), data.trim_start_matches(is_space).to_owned());
        self.push(Kind::Instruction { target, data }).map(drop)
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, at the very beginning or not at all.
    fn declaration(&mut self, inside: Option<&str>) -> Result<(), XmlError> {
        if self.at != 0 {
            return Err(self.malformed("an XML declaration that is not at the beginning"));
        }
        // It reads like the attributes of an element `xml`.
        let tag = inside.map(|inside| format!("xml{inside}")).unwrap_or_default();
        let Ok(tag) = RawTag::parse(&tag, 3) else {
            return Err(self.malformed("the XML declaration is broken"));
        };
        let names: Vec<_> = tag.attributes.iter().map(|(name, value)| (name.local, value.as_str())).collect();
        let rest = match names.split_first() {
            Some((("version", "1.0"), rest)) => rest,
            Some((("version", version), _)) => {
                return Err(XmlError::Encoding { reason: format!("it is XML {version}") });
            }
            _ => return Err(self.malformed("the XML declaration has no version")),
        };
        let rest = match rest.split_first() {
            Some((("encoding", encoding), rest)) if encoding.eq_ignore_ascii_case("utf-8") => rest,
            Some((("encoding", encoding), _)) => {
                return Err(XmlError::Encoding { reason: format!("it says that it is in {encoding}") });
            }
            _ => rest,
        };
        match rest {
            [] | [("standalone", "yes" | "no")] => Ok(()),
            _ => Err(self.malformed("the XML declaration is broken")),
        }
    }

    fn push(&mut self, kind: Kind) -> Result<usize, XmlError> {
        let at = self.nodes.len();
        if at >= self.limits.nodes {
            return Err(XmlError::Limit { what: "nodes", limit: self.limits.nodes });
        }
        let parent = self.open.last().map_or(0, |(at, _)| *at);
        self.nodes.push(Entry { parent, end: at + 1, kind });
        Ok(at)
    }

    fn intern(&mut self, text: &str) -> Result<Arc<str>, XmlError> {
        if text.len() > self.limits.name_bytes {
            return Err(XmlError::Limit { what: "bytes of one name", limit: self.limits.name_bytes });
        }
        if let Some(known) = self.interned.get(text) {
            return Ok(known.clone());
        }
        let text: Arc<str> = text.into();
        self.interned.insert(text.clone());
        Ok(text)
    }

    fn malformed(&self, reason: impl Into<String>) -> XmlError {
        XmlError::Malformed { line: line_of(self.text, self.at), reason: reason.into() }
    }

    fn refused(&self, what: impl Into<String>) -> XmlError {
        XmlError::Refused { line: line_of(self.text, self.at), what: what.into() }
    }
}

fn is_declaration(name: QName<'_>) -> bool {
    name.prefix == "xmlns" || name.prefix.is_empty() && name.local == "xmlns"
}

fn within<'t>(piece: &'t str, before: &str, after: &str) -> Option<&'t str> {
    piece.strip_prefix(before)?.strip_suffix(after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::xml::{Canonicalization, Node, Subset};

    fn parse(text: &str) -> Result<Document, XmlError> {
        Document::parse(text.as_bytes(), &XmlLimits::default())
    }

    #[test]
    fn a_document_is_a_tree() {
        let text = "\u{FEFF}<?xml version='1.0' encoding='utf-8' standalone='no' ?>\n<!-- a -->\n\
                    <a:r xmlns:a='urn:a' xmlns='urn:d' x='1' a:x='&#x41;&#10;'>t&amp;<![CDATA[<u>]]>\
                    <c ID='one'/><!-- no --> <?p  i ?></a:r >\n";
        let document = parse(text).unwrap();
        let root = document.root();
        assert!(root.is("urn:a", "r"));
        assert_eq!((root.attribute("x"), root.attribute_ns("urn:a", "x")), (Some("1"), Some("A\n")));
        let seen: Vec<String> = root
            .children()
            .map(|node| match node {
                Node::Comment(text) => format!("comment {text}"),
                Node::Element(element) => format!("{element:?}"),
                Node::Instruction { target, data } => format!("{target} {data}"),
                Node::Text(text) => text.to_owned(),
            })
            .collect();
        assert_eq!(seen, ["t&<u>", "<c> of \"urn:d\"", "comment  no ", " ", "p i "]);
        let child = root.child("urn:d", "c").unwrap();
        assert_eq!((child.parent(), child.text(), root.text()), (Some(root), Some(""), None));
        assert_eq!(document.identified("one").collect::<Vec<_>>(), [child]);
        assert!(root.contains(child.id()) && !child.contains(root.id()));
        assert!(root.parent().is_none() && !root.has_only_elements());
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in [
            "",
            " ",
            "text",
            "<a>",
            "</a>",
            "<a></b>",
            "<a><b></a></b>",
            "<a/><b/>",
            "<a/>text",
            "text<a/>",
            "<a/>&#32;",
            "<a/><![CDATA[]]>",
            "<a>]]></a>",
            "<a>&amp</a>",
            "<a>& </a>",
            "<a>a < b</a>",
            "<a b='<'/>",
            "<a b=c/>",
            "<a b/>",
            "<a b='1'c='2'/>",
            "<a b='1' b='2'/>",
            "<a b='1' / >",
            "< a/>",
            "<1/>",
            "<a:/>",
            "<:a/>",
            "<a:b:c xmlns:a='urn:a'/>",
            "<a b='x/>",
            "<a><!-- -- --></a>",
            "<a><!-- ---></a>",
            "<a><!-></a>",
            "<a><?xml version='1.0'?></a>",
            "<a><?XML x?></a>",
            "<a><?a:b x?></a>",
            "<a><? x?></a>",
            " <?xml version='1.0'?><a/>",
            "<?xml?><a/>",
            "<?xml encoding='UTF-8'?><a/>",
            "<?xml version='1.0' standalone='maybe'?><a/>",
            "<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>",
            "<a>\u{1}</a>",
            "<a>&#1;</a>",
            "<a>\u{FFFE}</a>",
            "<a",
            "<a><![CDATA[",
            "<a><!--",
            "<a><?p",
            "<!a/>",
            "<a><!ELEMENT a ANY></a>",
            // Namespaces
            "<x:a/>",
            "<a x:b='1'/>",
            "<a xmlns:x=''/>",
            "<a xmlns:xmlns='urn:x'/>",
            "<a xmlns:xml='urn:x'/>",
            "<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
            "<a xmlns:x='urn:x' xmlns:x='urn:y'/>",
            "<a xmlns='urn:x' xmlns='urn:x'/>",
            "<a xmlns:x='urn:x' xmlns:y='urn:x' x:b='1' y:b='2'/>",
            "<xmlns:a/>",
            "<a><b xmlns:x='urn:x'/><x:c/></a>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        for good in
            ["<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>", "<a >\u{85}</a\n>", "<a b\n=\n'1'\n/>"]
        {
            assert!(parse(good).is_ok(), "{good}: {:?}", parse(good));
        }
    }

    #[test]
    fn what_leads_out_of_the_document_is_refused() {
        for text in [
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<a>&b;</a>",
            "<a b='&c;'/>",
        ] {
            assert!(
                matches!(parse(text), Err(XmlError::Refused { line: 1, .. })),
                "{text}: {:?}",
                parse(text)
            );
        }
        for text in ["<?xml version='1.1'?><a/>", "<?xml version='1.0' encoding='ISO-8859-1'?><a/>"] {
            assert!(matches!(parse(text), Err(XmlError::Encoding { .. })), "{text}");
        }
        let utf16: Vec<u8> = "\u{FEFF}<a/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(matches!(Document::parse(&utf16, &XmlLimits::default()), Err(XmlError::Encoding { .. })));
        assert!(matches!(
            Document::parse(b"<a>\xE9</a>", &XmlLimits::default()),
            Err(XmlError::Encoding { .. })
        ));
    }

    #[test]
    fn errors_name_the_line() {
        let error = parse("<a>\r\n<b>\r<c></b>\n</a>").unwrap_err();
        assert_eq!(error.to_string(), "line 3: </b> ends <c>");
    }

    #[test]
    fn every_limit_is_kept() {
        let base = XmlLimits::default();
        let many = |part: &str, count: usize| (0..count).map(|n| part.replace('#', &n.to_string())).collect();
        let attributes: String = many(" a#='1'", 9);
        let declarations: String = many(" xmlns:a#='urn:#'", 9);
        let cases: [(XmlLimits, String); 6] = [
            (XmlLimits { bytes: 10, ..base.clone() }, "<a>12345</a>".to_owned()),
            (XmlLimits { depth: 3, ..base.clone() }, "<a><a><a><a/></a></a></a>".to_owned()),
            (XmlLimits { nodes: 9, ..base.clone() }, format!("<a>{}</a>", "<b/>".repeat(9))),
            (XmlLimits { attributes: 8, ..base.clone() }, format!("<a{attributes}/>")),
            (XmlLimits { declarations: 8, ..base.clone() }, format!("<a{declarations}/>")),
            (XmlLimits { name_bytes: 8, ..base.clone() }, "<a123456789/>".to_owned()),
        ];
        for (limits, text) in cases {
            assert!(Document::parse(text.as_bytes(), &base).is_ok(), "{text}");
            let refused = Document::parse(text.as_bytes(), &limits);
            assert!(matches!(refused, Err(XmlError::Limit { .. })), "{text}: {refused:?}");
        }
    }

    #[test]
    fn nesting_as_deep_as_a_file_is_long_ends_early() {
        let deep = "<a>".repeat(1_000_000);
        assert!(matches!(parse(&deep), Err(XmlError::Limit { what: "levels", .. })));
        let wide = format!("<a>{}</a>", "<a/>&amp;".repeat(200_000));
        assert!(parse(&wide).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = Document::parse(&bytes, &XmlLimits::default());
        }

        #[test]
        fn anything_like_xml_is_answered_and_its_canonical_form_reads_the_same(
            text in r#"(<[a-c]( [a-c]=['"][<&;a]{0,2}['"])?/?>|</[a-c]>|[a-c&;<>\]\[!-]|<!--|-->|<\?a |\?>|<!\[CDATA\[|\]\]>|&amp;){0,12}"#
        ) {
            let whole = format!("<a>{text}</a>");
            let Ok(document) = parse(&whole) else { return Ok(()) };
            let limits = XmlLimits::default();
            let form = Canonicalization { comments: true, ..Canonicalization::fallback() };
            let bytes = document.canonicalize(Subset::WHOLE, &form, &limits).unwrap();
            let again = Document::parse(&bytes, &limits).unwrap();
            prop_assert_eq!(again.canonicalize(Subset::WHOLE, &form, &limits).unwrap(), bytes);
        }
    }
}
