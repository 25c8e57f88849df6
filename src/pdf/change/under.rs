//! What lies under a new signature's widget.
//!
//! An agency's seal lies over a part of the leader's signature and may touch the lines beside it, by law; a box over the
//! amount of a grant does so to deceive. No rule here tells the two apart, so the words that are covered are told.

use super::{
    super::{
        area::Area,
        object::{Dictionary, Object},
    },
    step::Step,
};

impl Step<'_> {
    /// `, over the text "…"`; nothing when the widget lies on none, or when its page cannot be read.
    pub(super) fn words_under(&self, widget: &Dictionary) -> String {
        let Some(area) = Area::of_annotation(widget).filter(Area::is_visible) else { return String::new() };
        let Some(id) = widget.reference("P") else { return String::new() };
        if !matches!(self.document.object_at(self.before, id), Ok(Object::Dictionary(page)) if page.is_type("Page"))
        {
            return String::new();
        }
        let page = self.document.page_of(id);
        let layout = page.and_then(|page| {
            let Some(page) = page else { return Ok(None) };
            Ok(Some((page.frame, self.document.layout(&page)?)))
        });
        let Ok(Some((frame, layout))) = layout else { return String::new() };
        let shown = frame.to_shown(area);
        let covered = layout.letters.iter().filter(|letter| {
            let (x, y) = letter.area.centre();
            shown.holds(&Area { left: x, bottom: y, right: x, top: y }, 0.0)
        });
        let text: String = covered.map(|letter| letter.text.as_str()).take(MOST_LETTERS + 1).collect();
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.join(" ") {
            words if words.is_empty() => String::new(),
            words if words.chars().count() > MOST_LETTERS => {
                let begin: String = words.chars().take(MOST_LETTERS).collect();
                format!(", over the text {begin:?} and more")
            }
            words => format!(", over the text {words:?}"),
        }
    }
}

/// Shown of what is covered.
const MOST_LETTERS: usize = 80;
