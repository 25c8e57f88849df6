//! The tree: nodes in document order.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use super::{XML_NAMESPACE, characters::is_name_char};

/// A document, as the XPath data model sees it: CDATA sections and references are text, line ends are LF.
///
/// Nodes lie in document order, so that everything inside an element is one run of them.
pub struct Document {
    pub(super) nodes: Vec<Entry>,
    /// Where the root element lies, and what it is.
    pub(super) root: (usize, Arc<Tag>),
    /// A namespace name without a scheme, if there is one.
    pub(super) relative_namespace: Option<Arc<str>>,
    /// A text that was written partly as a CDATA section.
    pub(super) spliced: Option<NodeId>,
}

/// A place in a [`Document`], and in no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) usize);

/// What lies at a place.
pub(super) struct Entry {
    /// The place of the element that it lies in; the root's is its own.
    pub(super) parent: usize,
    /// One past the last place inside it.
    pub(super) end: usize,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// The document itself, always at place 0.
    Root,
    Element(Arc<Tag>),
    Text(String),
    Comment(String),
    Instruction {
        target: String,
        data: String,
    },
}

/// The start of an element, taken apart.
pub(super) struct Tag {
    pub(super) prefix: Arc<str>,
    pub(super) local: Arc<str>,
    /// Empty for none.
    pub(super) namespace: Arc<str>,
    /// In the order of the document, declarations apart.
    pub(super) attributes: Vec<Attribute>,
    /// In the order of the document.
    pub(super) declarations: Declarations,
}

/// Namespace declarations: prefix (empty for the default) and namespace name (empty for none).
pub(super) type Declarations = Vec<(Arc<str>, Arc<str>)>;

/// An attribute that is no namespace declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// As written; empty for none.
    pub prefix: Arc<str>,
    /// Without its prefix.
    pub local: Arc<str>,
    /// Empty for none: an attribute without a prefix has no namespace.
    pub namespace: Arc<str>,
    /// Normalized by XML 1.0 section 3.3.3, as CDATA.
    pub value: String,
}

/// An element of a document. Cloning it copies a pointer.
#[derive(Clone, Copy)]
pub struct Element<'d> {
    pub(super) document: &'d Document,
    pub(super) at: usize,
    pub(super) tag: &'d Tag,
}

/// What lies in an element.
#[derive(Clone, Copy, Debug)]
pub enum Node<'d> {
    /// `<!--…-->`
    Comment(&'d str),
    /// A child element.
    Element(Element<'d>),
    /// `<?target data?>`
    Instruction {
        /// Who is meant.
        target: &'d str,
        /// What is told.
        data: &'d str,
    },
    /// Characters, however they were spelt.
    Text(&'d str),
}

impl Document {
    /// The one element that all others lie in.
    pub fn root(&self) -> Element<'_> {
        let (at, tag) = &self.root;
        Element { document: self, at: *at, tag }
    }

    /// The element at a place; `None` when there is something else, or nothing.
    pub fn element(&self, id: NodeId) -> Option<Element<'_>> {
        match &self.nodes.get(id.0)?.kind {
            Kind::Element(tag) => Some(Element { document: self, at: id.0, tag }),
            _ => None,
        }
    }

    /// Every element, in document order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        (0..self.nodes.len()).filter_map(|at| self.element(NodeId(at)))
    }

    /// The elements that carry this identifier: an attribute `Id`, `ID`, `id` without a namespace, or `xml:id`.
    ///
    /// Without a DTD or schema nobody says which attributes identify, so all that signing software uses count: a
    /// reference is good only where exactly one element answers.
    pub fn identified<'d>(&'d self, id: &'d str) -> impl Iterator<Item = Element<'d>> {
        self.elements().filter(move |element| element.identifiers().any(|own| own == id))
    }

    /// An element whose text is cut in two by a comment or the edge of a CDATA section.
    ///
    /// Canonical forms show neither, so a signature over the text holds whether they are there or not; but a program
    /// that takes the first piece for all of it reads another value.
    pub fn cut_text(&self) -> Option<Element<'_>> {
        let parent = |entry: &Entry| self.element(NodeId(entry.parent));
        if let Some(spliced) = self.spliced {
            return self.nodes.get(spliced.0).and_then(parent);
        }
        let speaks = |entry: &&Entry| match &entry.kind {
            Kind::Text(text) => !text.chars().all(super::characters::is_space),
            _ => false,
        };
        let speaking: HashSet<usize> = self.nodes.iter().filter(speaks).map(|entry| entry.parent).collect();
        let comment = |entry: &&Entry| matches!(entry.kind, Kind::Comment(_));
        let cut = self.nodes.iter().filter(comment).find(|entry| speaking.contains(&entry.parent));
        cut.and_then(parent)
    }

    /// Every prefix that is declared somewhere, empty for the default namespace; none twice.
    pub fn declared_prefixes(&self) -> Vec<&str> {
        let declared = self.elements().flat_map(|element| element.tag.declarations.iter());
        let mut prefixes: Vec<&str> =
            declared.map(|(prefix, _)| &**prefix).filter(|prefix| *prefix != "xml").collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes
    }

    /// An element in `target`, but not in `without`, with a value or text that is written with a prefix whose meaning an
    /// exclusive canonical form leaves out, and that prefix: no name of the element uses it, and `listed` (the
    /// PrefixList) does not hold it. What it means could be changed, and the canonical form would be the same.
    ///
    /// A value without a colon has the default namespace where XML Schema says so (`xsi:type`).
    pub fn hidden_prefix<'d>(
        &'d self,
        target: Element<'d>,
        without: Option<NodeId>,
        listed: &[String],
    ) -> Option<(Element<'d>, &'d str)> {
        let mut scope: HashMap<&str, usize> = HashMap::new();
        let around = target.ancestors().flat_map(|ancestor| ancestor.tag.declarations.iter());
        for (prefix, _) in around {
            *scope.entry(&**prefix).or_default() += 1;
        }
        let end = self.nodes.get(target.at)?.end;
        let mut open: Vec<(usize, usize, &Tag)> = Vec::new();
        let mut at = target.at;
        while at < end {
            while let Some((_, _, tag)) = open.pop_if(|(last, _, _)| *last <= at) {
                for (prefix, _) in &tag.declarations {
                    if let Some(count) = scope.get_mut(&**prefix) {
                        *count = count.saturating_sub(1);
                    }
                }
            }
            let entry = self.nodes.get(at)?;
            if without == Some(NodeId(at)) {
                at = entry.end;
                continue;
            }
            let hidden = match &entry.kind {
                Kind::Element(tag) => {
                    for (prefix, _) in &tag.declarations {
                        *scope.entry(&**prefix).or_default() += 1;
                    }
                    open.push((entry.end, at, tag));
                    let values = tag.attributes.iter().flat_map(|one| prefixes_in(&one.value));
                    let bare = tag.attributes.iter().filter(|one| {
                        *one.namespace == *XSI && *one.local == *"type" && !one.value.contains(':')
                    });
                    hidden(tag, values.chain(bare.map(|_| "")), &scope, listed)
                }
                Kind::Text(text) => {
                    open.last().and_then(|(_, _, tag)| hidden(tag, prefixes_in(text), &scope, listed))
                }
                _ => None,
            };
            if let Some(prefix) = hidden {
                return open.last().and_then(|(_, at, _)| Some((self.element(NodeId(*at))?, prefix)));
            }
            at += 1;
        }
        None
    }

    /// Whether a processing instruction stands beside the root element.
    pub fn has_instructions_outside(&self) -> bool {
        self.children(0)
            .any(|at| matches!(self.nodes.get(at).map(|entry| &entry.kind), Some(Kind::Instruction { .. })))
    }

    /// The places of the children of what lies at a place.
    pub(super) fn children(&self, of: usize) -> impl Iterator<Item = usize> {
        let end = self.nodes.get(of).map_or(0, |entry| entry.end);
        let mut next = of + 1;
        std::iter::from_fn(move || {
            let at = next;
            (at < end).then(|| {
                next = self.nodes.get(at).map_or(end, |entry| entry.end);
                at
            })
        })
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({:?}, {} nodes)", self.root(), self.nodes.len())
    }
}

impl<'d> Element<'d> {
    /// Its place.
    pub fn id(&self) -> NodeId {
        NodeId(self.at)
    }

    /// Its document.
    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// The name without its prefix.
    pub fn local_name(&self) -> &'d str {
        &self.tag.local
    }

    /// The namespace name; empty for none.
    pub fn namespace(&self) -> &'d str {
        &self.tag.namespace
    }

    /// Whether it has this name in this namespace.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace() == namespace && self.local_name() == local
    }

    /// The value of an attribute without a namespace.
    pub fn attribute(&self, local: &str) -> Option<&'d str> {
        self.attribute_ns("", local)
    }

    /// The value of an attribute of a namespace.
    pub fn attribute_ns(&self, namespace: &str, local: &str) -> Option<&'d str> {
        let named = |attribute: &&Attribute| *attribute.namespace == *namespace && *attribute.local == *local;
        self.tag.attributes.iter().find(named).map(|attribute| attribute.value.as_str())
    }

    /// Its attributes, in the order of the document.
    pub fn attributes(&self) -> &'d [Attribute] {
        &self.tag.attributes
    }

    /// The element that it lies in.
    pub fn parent(&self) -> Option<Self> {
        self.document.nodes.get(self.at).and_then(|entry| self.document.element(NodeId(entry.parent)))
    }

    /// Whether `other` is this element or lies in it, at any depth.
    pub fn contains(&self, other: NodeId) -> bool {
        self.document.nodes.get(self.at).is_some_and(|entry| (self.at..entry.end).contains(&other.0))
    }

    /// What lies in it, one level deep.
    pub fn children(&self) -> impl Iterator<Item = Node<'d>> + use<'d> {
        let document = self.document;
        document.children(self.at).filter_map(move |at| {
            Some(match &document.nodes.get(at)?.kind {
                Kind::Comment(text) => Node::Comment(text),
                Kind::Element(tag) => Node::Element(Element { document, at, tag }),
                Kind::Instruction { target, data } => Node::Instruction { target, data },
                Kind::Text(text) => Node::Text(text),
                Kind::Root => return None,
            })
        })
    }

    /// The elements in it, one level deep.
    pub fn elements(&self) -> impl Iterator<Item = Self> + use<'d> {
        self.children().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The first child element of this name.
    pub fn child(&self, namespace: &str, local: &str) -> Option<Self> {
        self.elements().find(|element| element.is(namespace, local))
    }

    /// The text, if it holds nothing but text. `None` when an element, a comment or a processing instruction lies
    /// in it: software that stops reading at one would see another text.
    pub fn text(&self) -> Option<&'d str> {
        let mut children = self.children();
        match (children.next(), children.next()) {
            (None, _) => Some(""),
            (Some(Node::Text(text)), None) => Some(text),
            _ => None,
        }
    }

    /// Whether nothing but elements and white space (and comments) lies in it.
    pub fn has_only_elements(&self) -> bool {
        self.children().all(|node| match node {
            Node::Comment(_) | Node::Element(_) => true,
            Node::Instruction { .. } => false,
            Node::Text(text) => text.chars().all(super::characters::is_space),
        })
    }

    /// The values of the attributes that identify it; see [`Document::identified`].
    pub fn identifiers(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        let identifies = |attribute: &&Attribute| match &*attribute.namespace {
            "" => attribute.local.eq_ignore_ascii_case("id"),
            XML_NAMESPACE => *attribute.local == *"id",
            _ => false,
        };
        self.tag.attributes.iter().filter(identifies).map(|attribute| attribute.value.as_str())
    }

    /// From the element that it lies in up to the root element.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + use<'d> {
        std::iter::successors(self.parent(), Self::parent)
    }
}

/// The first of the prefixes that is declared here, not listed, and used by no name of the element.
fn hidden<'t>(
    tag: &Tag,
    mut mentioned: impl Iterator<Item = &'t str>,
    scope: &HashMap<&str, usize>,
    listed: &[String],
) -> Option<&'t str> {
    let mut used: Option<HashSet<&str>> = None;
    let names = || -> HashSet<&str> {
        // An attribute without a prefix has no namespace, so it does not use the default one.
        let of_attributes = tag.attributes.iter().map(|one| &*one.prefix).filter(|prefix| !prefix.is_empty());
        std::iter::once(&*tag.prefix).chain(of_attributes).collect()
    };
    mentioned.find(|prefix| {
        scope.get(prefix).is_some_and(|count| *count > 0)
            && !listed.iter().any(|one| one == prefix)
            && !used.get_or_insert_with(&names).contains(prefix)
    })
}

/// What stands before each colon, as far as it may be a prefix.
fn prefixes_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(':').filter_map(|(at, _)| {
        let before = text.get(..at)?;
        let start = before.rfind(|c: char| !is_name_char(c)).map_or(0, |found| {
            found + before.get(found..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        });
        before.get(start..).filter(|prefix| !prefix.is_empty())
    })
}

/// The namespace of `xsi:type` (XML Schema Part 1 section 2.6.1).
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}> of {:?}", self.local_name(), self.namespace())
    }
}

impl PartialEq for Element<'_> {
    /// The same place of the same document.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.at == other.at
    }
}

impl Eq for Element<'_> {}
