//! Filled form fields (ISO 32000-2 section 12.7.5).
//!
//! A fill gives a field that was there before another value, and its widgets the appearance of that value. The
//! appearance hangs from its widget alone, stays within the widget's rectangle, and is text; the rectangle, flags,
//! actions and everything else of field and widget stay as they were.

use super::{
    super::{
        PdfError,
        object::{Dictionary, Object, ObjectId, Stream},
    },
    ChangeKind,
    appearance::only_text,
    form::{Known, is_field_use},
    step::{Delta, Part, Step, area, differing_keys, only_keys, rectangle},
};

/// Why a change of a field is more than a fill.
type Refused = String;

impl Step<'_> {
    /// Explains a changed field as filled, or says why it is more than that.
    pub(super) fn fill_field(&mut self, field: &Known) -> Result<(), PdfError> {
        let parts: Vec<ObjectId> = field.widgets.iter().chain([&field.id]).copied().collect();
        let changed: Vec<ObjectId> = parts.iter().copied().filter(|id| self.delta(*id).is_some()).collect();
        match self.filled(field, &changed)? {
            Ok(streams) => {
                for id in changed {
                    self.explain(id, Part::Fill, &is_field_use);
                    let Some(Object::Dictionary(after)) = self.delta(id).map(|delta| &delta.after) else {
                        continue;
                    };
                    let mut brought = Dictionary::new();
                    for key in ["AP", "V"] {
                        if let Some(value) = after.get(key) {
                            brought.set(key, value.clone());
                        }
                    }
                    self.explain_added_below(&brought, &[], Part::Fill);
                }
                for (id, stream) in streams {
                    self.explained.insert(id.0, Part::Fill);
                    self.explain_added_below(&stream.dictionary, &[], Part::Fill);
                }
                self.filled.insert(field.name.clone());
            }
            Err(reason) => {
                let what = format!("changes the form field {:?}, but {reason}", field.name);
                self.other(ChangeKind::FormFill, changed, what);
            }
        }
        Ok(())
    }

    /// The appearance streams that were rewritten in place, if this is a fill and no more.
    fn filled(
        &self,
        field: &Known,
        changed: &[ObjectId],
    ) -> Result<Result<Vec<(ObjectId, Stream)>, Refused>, PdfError> {
        let refuse = |reason: &str| Ok(Err(reason.to_owned()));
        let button = match field.kind.as_slice() {
            b"Btn" if field.flags & PUSH_BUTTON != 0 => return refuse("a push button has no value"),
            b"Btn" => true,
            b"Tx" | b"Ch" => false,
            _ => return refuse("it is of no kind that is filled"),
        };
        let own = self.dictionaries(field.id)?;
        let Some((own_before, own_after)) = own else { return refuse("it is no dictionary") };
        if field.flags & READ_ONLY != 0 && !self.is_calculated(&own_before)? {
            return refuse("it may only be read");
        }
        let value = |revision: usize, dictionary: &Dictionary| match dictionary.get("V") {
            Some(value) => Ok::<_, PdfError>(self.document.resolve(revision, value)?.1),
            None => Ok(Object::Null),
        };
        let new_value = value(self.after, &own_after)?;
        if value(self.before, &own_before)? == new_value {
            return refuse("its value stays as it was");
        }
        if own_after.reference("V").is_some_and(|id| !self.added(id) && own_before.reference("V") != Some(id))
        {
            return refuse("its value is taken from elsewhere");
        }
        let fits = match &new_value {
            Object::Null => true,
            Object::Name(_) => button,
            Object::String(_) => !button,
            Object::Array(items) => {
                field.kind == b"Ch" && items.iter().all(|item| matches!(item, Object::String(_)))
            }
            _ => false,
        };
        if !fits {
            return refuse("its value is of a wrong kind");
        }
        let mut streams = Vec::new();
        let merged = field.widgets.is_empty();
        if !merged && !differing_keys(&own_before, &own_after, &["I", "M", "V"]).is_empty() {
            return refuse("more than its value is changed");
        }
        let widgets = if merged { std::slice::from_ref(&field.id) } else { field.widgets.as_slice() };
        for widget in widgets {
            let Some((before, after)) = self.dictionaries(*widget)? else {
                return refuse("a widget of it is no dictionary");
            };
            let allowed: &[&str] = if merged { &["AP", "AS", "I", "M", "V"] } else { &["AP", "AS", "M"] };
            let differing = differing_keys(&before, &after, allowed);
            if !differing.is_empty() {
                return refuse(&format!("{} of its widget is changed as well", differing.join(", ")));
            }
            let looks = if button {
                self.button_looks(&before, &after)?
            } else {
                self.text_looks(*widget, &before, &after)?
            };
            match looks {
                Ok(stream) => streams.extend(stream),
                Err(reason) => return Ok(Err(reason)),
            }
            if (changed.contains(widget) || !streams.is_empty())
                && !self.is_in_proportion(*widget, &before)?
            {
                return refuse("its widget covers too much of the page");
            }
        }
        Ok(Ok(streams))
    }

    fn dictionaries(&self, id: ObjectId) -> Result<Option<(Dictionary, Dictionary)>, PdfError> {
        if let Some(Delta {
            before: Some(Object::Dictionary(before)),
            after: Object::Dictionary(after),
            ..
        }) = self.delta(id)
        {
            return Ok(Some((before.clone(), after.clone())));
        }
        if self.delta(id).is_some() {
            return Ok(None);
        }
        Ok(match self.document.object_at(self.after, id)? {
            Object::Dictionary(same) => Some((same.clone(), same)),
            _ => None,
        })
    }

    /// A field that a script computes from others is read-only for people.
    fn is_calculated(&self, field: &Dictionary) -> Result<bool, PdfError> {
        let Some(actions) = field.get("AA") else { return Ok(false) };
        let (_, actions) = self.document.resolve(self.before, actions)?;
        Ok(actions.as_dictionary().is_some_and(|actions| actions.get("C").is_some()))
    }

    /// A button shows one of the appearances that it had.
    fn button_looks(
        &self,
        before: &Dictionary,
        after: &Dictionary,
    ) -> Result<Result<Option<(ObjectId, Stream)>, Refused>, PdfError> {
        if before.get("AP") != after.get("AP") {
            return Ok(Err("a button keeps its appearances".to_owned()));
        }
        let Some(state) = after.get("AS").filter(|state| before.get("AS") != Some(*state)) else {
            return Ok(Ok(None));
        };
        let (_, appearance) = self.document.resolve(self.after, after.get("AP").unwrap_or(&Object::Null))?;
        let normal = appearance.as_dictionary().and_then(|appearance| appearance.get("N"));
        let (_, normal) = self.document.resolve(self.after, normal.unwrap_or(&Object::Null))?;
        let known = match (state, &normal) {
            (Object::Name(state), _) if state == b"Off" => true,
            (Object::Name(state), Object::Dictionary(states)) => states.written(state).is_some(),
            _ => false,
        };
        Ok(if known { Ok(None) } else { Err("a button has no appearance for its new state".to_owned()) })
    }

    /// A text field's or a choice's appearance is text, and nobody else's. Gives it when it was rewritten in place.
    fn text_looks(
        &self,
        widget: ObjectId,
        before: &Dictionary,
        after: &Dictionary,
    ) -> Result<Result<Option<(ObjectId, Stream)>, Refused>, PdfError> {
        let refuse = |reason: &str| Ok(Err(reason.to_owned()));
        let Some(appearance) = after.get("AP") else { return Ok(Ok(None)) };
        let (holder, appearance) = self.document.resolve(self.after, appearance)?;
        let Object::Dictionary(appearance) = appearance else { return refuse("its appearance is none") };
        let Some(normal) = appearance.get("N") else { return refuse("its appearance is none") };
        let Object::Reference(id) = normal else { return refuse("its appearance is none") };
        let old = match before.get("AP") {
            Some(old) => self.document.resolve(self.before, old)?.1,
            None => Object::Null,
        };
        let old = old.as_dictionary();
        let same = old.is_some_and(|old| *old == appearance);
        let stands = self.delta(*id).is_none();
        if same && stands {
            return Ok(Ok(None));
        }
        if !same && !only_keys(&appearance, &[&["N"]]) {
            return refuse("its appearance is more than one");
        }
        if holder.is_some_and(|holder| self.delta(holder).is_some_and(|delta| delta.before.is_some())) {
            return refuse("its appearances are changed in place");
        }
        let Some(delta) = self.delta(*id) else { return refuse("its appearance is taken from elsewhere") };
        let Object::Stream(stream) = &delta.after else { return refuse("its appearance is no picture") };
        let in_place = delta.before.is_some();
        if in_place {
            let from = holder.unwrap_or(widget);
            let own = self.uses.only_from(id.0, "N", from.0)
                && (holder.is_none() || self.uses.only_from(from.0, "AP", widget.0))
                && self.uses.other_than(widget.0, &is_field_use).is_none();
            if !own {
                return refuse("its appearance is used elsewhere as well");
            }
        }
        if let Err(reason) = only_text(self.document, self.after, stream)? {
            return Ok(Err(format!("its appearance {reason}")));
        }
        Ok(Ok(in_place.then(|| (*id, stream.clone()))))
    }

    /// Whether a widget leaves most of its page to the page.
    fn is_in_proportion(&self, widget: ObjectId, dictionary: &Dictionary) -> Result<bool, PdfError> {
        let Some(sides) = rectangle(dictionary) else { return Ok(true) };
        let page = dictionary.reference("P").or_else(|| self.uses.holder(widget.0, "Annots"));
        let facts = match page {
            Some(page) => self.page_facts(page)?.filter(|facts| facts.annotations.contains(&widget)),
            None => None,
        };
        let most = facts.map_or(MOST_ANYWHERE, |facts| facts.area * MOST_OF_A_PAGE);
        Ok(area(sides) <= most)
    }
}

/// ISO 32000-2 table 227, bit 1.
const READ_ONLY: i64 = 1;

/// ISO 32000-2 table 229, bit 17.
const PUSH_BUTTON: i64 = 1 << 16;

/// How much of its page a filled widget may cover: one that covers more could be the page itself.
const MOST_OF_A_PAGE: f64 = 0.5;

/// The same in square points, where the page is not known: an eighth of A4.
const MOST_ANYWHERE: f64 = 62_000.0;
