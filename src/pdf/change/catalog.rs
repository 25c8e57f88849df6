//! Trailer, catalog, document information and XMP.

use super::{
    super::{
        Document, PdfError,
        document::is_version,
        object::{Dictionary, Object, ObjectId, Stream},
    },
    ChangeKind,
    name::catalog_kind,
    step::{Part, Step, differing_keys, only_keys},
};

impl Step<'_> {
    /// Whether the trailer still leads to the same catalog.
    pub(super) fn trailer(&mut self) -> Result<bool, PdfError> {
        let document = self.document;
        let pair = [self.before, self.after]
            .map(|at| document.revisions().get(at).map(|revision| &revision.trailer));
        let [Some(before), Some(after)] = pair else { return Ok(false) };
        if before.get("Root") != after.get("Root") {
            let what = "makes another object the catalog".to_owned();
            self.other(ChangeKind::CatalogEntry, Vec::new(), what);
            return Ok(false);
        }
        let first_id = |trailer: &Dictionary| {
            trailer.get("ID").and_then(Object::as_array).and_then(|id| id.first().cloned())
        };
        if let Some(id) = first_id(before)
            && first_id(after) != Some(id)
        {
            let what = "changes the permanent identifier in the trailer's /ID".to_owned();
            self.other(ChangeKind::CatalogEntry, Vec::new(), what);
        }
        self.information(before, after)?;
        Ok(true)
    }

    /// The information dictionary may change its date and its producer, no more.
    fn information(&mut self, before: &Dictionary, after: &Dictionary) -> Result<(), PdfError> {
        let nothing = Object::Null;
        let (_, old) = self.document.resolve(self.before, before.get("Info").unwrap_or(&nothing))?;
        let (id, new) = self.document.resolve(self.after, after.get("Info").unwrap_or(&nothing))?;
        if old == new && before.get("Info") == after.get("Info") {
            return Ok(());
        }
        let empty = Dictionary::new();
        let old = old.as_dictionary().unwrap_or(&empty);
        let keys = ["ModDate", "Producer"];
        let same_place = before.get("Info") == after.get("Info") || id.is_none_or(|id| self.added(id));
        let Object::Dictionary(new) = new else {
            let what = "removes the document information".to_owned();
            self.other(ChangeKind::Metadata, Vec::new(), what);
            return Ok(());
        };
        let texts = keys.iter().all(|key| new.get(key).is_none_or(|value| value.as_string().is_some()));
        if same_place && texts && old.without(&keys) == new.without(&keys) {
            if let Some(id) = id {
                self.explain(id, Part::Signature, &|key| key == b"Info");
            }
            self.asides.push("the date of the last change");
        } else {
            let objects = id.into_iter().collect();
            self.other(ChangeKind::Metadata, objects, "changes the document information".to_owned());
        }
        Ok(())
    }

    pub(super) fn catalog(&mut self) -> Result<(), PdfError> {
        let (id, before) = self.document.catalog_at(self.before)?;
        let (_, after) = self.document.catalog_at(self.after)?;
        let differing = differing_keys(
            &before,
            &after,
            &["AcroForm", "DSS", "Extensions", "Metadata", "Perms", "Version"],
        );
        for key in &differing {
            let kind = catalog_kind(self, key, &before, &after);
            self.other(kind, vec![id], format!("changes {key} in the catalog"));
        }
        if before.get("Version") != after.get("Version") {
            let version = |catalog: &Dictionary| {
                let name = catalog.name("Version").and_then(|name| std::str::from_utf8(name).ok());
                name.filter(|name| is_version(name)).map(str::to_owned)
            };
            if version(&after).is_some_and(|after| version(&before).is_none_or(|before| before <= after)) {
                self.asides.push("the PDF version");
            } else {
                self.other(ChangeKind::CatalogEntry, vec![id], "lowers the PDF version".to_owned());
            }
        }
        if before.get("Extensions") != after.get("Extensions") {
            let extensions = after.get("Extensions").map(|one| self.document.resolve(self.after, one));
            match extensions.transpose()? {
                Some((at, extensions)) if is_developer_extensions(&extensions) => {
                    if let Some(at) = at {
                        self.explain(at, Part::Signature, &|key| key == b"Extensions");
                    }
                    self.asides.push("a declared extension level");
                }
                _ => {
                    let what = "changes /Extensions in the catalog".to_owned();
                    self.other(ChangeKind::CatalogEntry, vec![id], what);
                }
            }
        }
        self.permissions(id, &before, &after)?;
        self.form(&before, &after)?;
        self.pages()?;
        self.structure_tree(&before)?;
        self.metadata(&before, &after)?;
        self.security_store(&before, &after)?;
        // The catalog's own differences are all accounted for above.
        if differing.is_empty() && self.deltas.contains_key(&id.0) {
            let form = before.get("AcroForm") != after.get("AcroForm");
            let part = if form || !self.store_changed { Part::Signature } else { Part::Store };
            self.explained.insert(id.0, part);
        }
        Ok(())
    }

    /// `/Perms` (ISO 32000-2 section 12.8.6): the first signature of a file may become the one that certifies it, and
    /// after a signature nothing of this may change.
    fn permissions(
        &mut self,
        catalog: ObjectId,
        before: &Dictionary,
        after: &Dictionary,
    ) -> Result<(), PdfError> {
        let null = Object::Null;
        let (old_id, old) = self.document.resolve(self.before, before.get("Perms").unwrap_or(&null))?;
        let (new_id, new) = self.document.resolve(self.after, after.get("Perms").unwrap_or(&null))?;
        if old_id == new_id && old == new {
            return Ok(());
        }
        let empty = Dictionary::new();
        let grown = match (&old, &new) {
            (Object::Null | Object::Dictionary(_), Object::Dictionary(new)) => {
                let old = old.as_dictionary().unwrap_or(&empty);
                let same = *old == new.without(&["DocMDP"]);
                new.reference("DocMDP").filter(|id| same && self.added(*id))
            }
            _ => None,
        };
        let certifies = match grown {
            Some(id) => match self.document.object_at(self.after, id)? {
                Object::Dictionary(signature) => self.document.doc_mdp(self.after, &signature)?.is_some(),
                _ => false,
            },
            None => false,
        };
        let in_place = new_id.is_none_or(|id| old_id == Some(id) || self.added(id));
        if self.carried.rules.signed || !certifies || !in_place {
            let objects = vec![new_id.unwrap_or(catalog)];
            self.other(ChangeKind::CatalogEntry, objects, "changes /Perms in the catalog".to_owned());
        } else if let Some(id) = new_id {
            self.explain(id, Part::Signature, &|key| key == b"Perms");
        }
        Ok(())
    }

    /// XMP (ISO 32000-2 section 14.3.2): dates, the producer and the instance's identifier may change.
    fn metadata(&mut self, catalog_before: &Dictionary, catalog_after: &Dictionary) -> Result<(), PdfError> {
        let null = Object::Null;
        let (old_id, old) =
            self.document.resolve(self.before, catalog_before.get("Metadata").unwrap_or(&null))?;
        let (new_id, new) =
            self.document.resolve(self.after, catalog_after.get("Metadata").unwrap_or(&null))?;
        if old_id == new_id && self.document.same_value(&old, &new)? {
            return Ok(());
        }
        let in_place = old_id == new_id || new_id.is_some_and(|id| self.added(id));
        let objects = new_id.or(old_id).into_iter().collect();
        let same = match (&old, &new) {
            (Object::Stream(old), Object::Stream(new)) if in_place => {
                let keys = ["DecodeParms", "Filter", "Length"];
                let alike = old.dictionary.without(&keys) == new.dictionary.without(&keys);
                let texts = (self.packet(old)?, self.packet(new)?);
                alike && matches!(texts, (Some(old), Some(new)) if old == new)
            }
            _ => false,
        };
        let Some(id) = new_id.filter(|_| same) else {
            let what = "changes the document's metadata".to_owned();
            self.other(ChangeKind::Metadata, objects, what);
            return Ok(());
        };
        self.metadata_changed = true;
        self.explain(id, Part::Metadata, &|key| key == b"Metadata");
        Ok(())
    }

    /// An XMP packet without what may change; `None` when it cannot be read so far.
    fn packet(&self, stream: &Stream) -> Result<Option<String>, PdfError> {
        match self.document.decode(stream, LONGEST_PACKET) {
            Ok(bytes) => {
                self.document.limits.spend(bytes.len())?;
                Ok(String::from_utf8(bytes).ok().and_then(|text| without_dates(&text)))
            }
            Err(PdfError::Io(error)) => Err(PdfError::Io(error)),
            Err(_) => Ok(None),
        }
    }
}

impl Document {
    /// `/P` of the certification that the catalog of a revision names (ISO 32000-2 section 12.8.6).
    pub(in crate::pdf) fn certified_level(&self, revision: usize) -> Result<Option<u8>, PdfError> {
        let (_, catalog) = self.catalog_at(revision)?;
        let Some(permissions) = catalog.get("Perms") else { return Ok(None) };
        let (_, permissions) = self.resolve(revision, permissions)?;
        let Some(certified) = permissions.as_dictionary().and_then(|all| all.get("DocMDP")) else {
            return Ok(None);
        };
        let (_, signature) = self.resolve(revision, certified)?;
        // A certification that does not say what it permits is read as the strictest.
        let level =
            signature.as_dictionary().map(|signature| self.doc_mdp(revision, signature)).transpose()?;
        Ok(Some(level.flatten().unwrap_or(1)))
    }
}

/// The packet without the values that any program sets anew, and with white space made one.
fn without_dates(text: &str) -> Option<String> {
    // A document type could give names another meaning.
    if text.contains("<!") {
        return None;
    }
    let mut text = text.to_owned();
    for name in CHANGEABLE {
        text = cut(&text, &format!("<{name}>"), &['<'], &format!("</{name}>"))?;
        for quote in ["\"", "'"] {
            text = cut(&text, &format!(" {name}={quote}"), &['"', '\'', '<', '>'], quote)?;
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(words.join(" ").replace("> <", "><").replace(" >", ">").replace(" />", "/>"))
}

/// A text without everything from `open` to the first of `stops`, where `close` must stand.
fn cut(text: &str, open: &str, stops: &[char], close: &str) -> Option<String> {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, value)) = rest.split_once(open) {
        kept.push_str(head);
        rest = value.get(value.find(stops)?..)?.strip_prefix(close)?;
    }
    kept.push_str(rest);
    Some(kept)
}

/// ISO 32000-2 section 7.12: names and numbers only.
fn is_developer_extensions(extensions: &Object) -> bool {
    let plain = |extension: &Object| {
        let keys = ["Type", "BaseVersion", "ExtensionLevel", "ExtensionRevision", "URL"];
        extension.as_dictionary().is_some_and(|extension| {
            only_keys(extension, &[&keys])
                && extension.iter().all(|(_, value)| {
                    matches!(value, Object::Name(_) | Object::Integer(_) | Object::String(_))
                })
        })
    };
    let Object::Dictionary(extensions) = extensions else { return false };
    extensions.iter().all(|(key, value)| match value {
        Object::Array(levels) => levels.iter().all(plain),
        Object::Name(_) => key == b"Type",
        value => plain(value),
    })
}

/// What each program sets anew when it saves (XMP, ISO 16684-1).
const CHANGEABLE: [&str; 6] =
    ["pdf:Producer", "x:xmptk", "xmp:MetadataDate", "xmp:ModifyDate", "xmpMM:InstanceID", "xap:ModifyDate"];

/// In bytes; packets of a few kilobytes are usual.
const LONGEST_PACKET: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_and_producers_are_let_pass() {
        let packet = |date: &str, title: &str| {
            format!(
                "<?xpacket begin=''?><rdf:Description xmp:ModifyDate=\"{date}\" pdf:Keywords=\"k\">\n <dc:title>{title}</dc:title>\n<xmp:MetadataDate>{date}</xmp:MetadataDate></rdf:Description>"
            )
        };
        let read = |date: &str, title: &str| without_dates(&packet(date, title)).expect("read");
        assert_eq!(read("2025", "a"), read("2026", "a"));
        assert_ne!(read("2025", "a"), read("2025", "b"));
        assert_eq!(without_dates("<xmp:ModifyDate>2<b/></xmp:ModifyDate>"), None);
        assert_eq!(without_dates("<!DOCTYPE x>"), None);
        assert_eq!(without_dates(" xmp:ModifyDate=\"2>\""), None);
    }
}
