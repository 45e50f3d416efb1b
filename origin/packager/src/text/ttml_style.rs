//! How text of TTML looks and where it stands, as far as WebVTT can say it.

use std::collections::HashMap;

use super::markup::Face;
use super::xml::Element;

/// How deep styles may refer to each other.
const MAX_DEPTH: usize = 8;

/// Styles and regions of a document.
#[derive(Debug)]
pub(super) struct Styles<'a> {
    styles: HashMap<&'a str, &'a Element>,
    regions: HashMap<&'a str, &'a Element>,
    /// Width and height that lengths in pixels and in cells are parts of.
    pixels: Option<(f64, f64)>,
    cells: (f64, f64),
}

impl<'a> Styles<'a> {
    /// Those of the document with this root.
    pub(super) fn new(root: &'a Element) -> Self {
        let head = root.elements().find(|element| element.name == "head");
        let all = |folder: &str, name: &str| {
            let folder = head.and_then(|head| head.elements().find(|found| found.name == folder));
            let found = folder.into_iter().flat_map(Element::elements);
            let named = found.filter(|element| element.name == name);
            named
                .filter_map(|element| Some((element.attribute("id")?, element)))
                .collect()
        };
        let pair = |name: &str, unit: &str| {
            let (x, y) = root.attribute(name)?.trim().split_once(' ')?;
            let number = |text: &str| {
                let number = text.trim().strip_suffix(unit)?.parse::<f64>().ok();
                number.filter(|value| *value > 0.0)
            };
            Some((number(x)?, number(y)?))
        };
        Self {
            styles: all("styling", "style"),
            regions: all("layout", "region"),
            pixels: pair("extent", "px"),
            cells: pair("cellResolution", "").unwrap_or((32.0, 15.0)),
        }
    }

    /// A property of an element: its own, or that of the styles it names.
    fn property(&self, element: &'a Element, name: &str, depth: usize) -> Option<&'a str> {
        if let Some(own) = element.attribute(name) {
            return Some(own);
        }
        if depth == 0 {
            return None;
        }
        let nested = element.elements().filter(|inside| inside.name == "style");
        let named = element
            .attribute("style")
            .unwrap_or_default()
            .split_ascii_whitespace()
            .filter_map(|id| self.styles.get(id).copied());
        // What is named later counts for more, what stands inside a region most of all.
        let all: Vec<&Element> = named.chain(nested).collect();
        all.into_iter()
            .rev()
            .find_map(|style| self.property(style, name, depth - 1))
    }

    fn get(&self, element: &'a Element, name: &str) -> Option<&'a str> {
        self.property(element, name, MAX_DEPTH)
    }

    /// How text in an element looks, inside one that makes it look like `around`.
    pub(super) fn face(&self, element: &'a Element, around: Face) -> Face {
        let mut face = around;
        match self.get(element, "fontStyle") {
            Some("italic" | "oblique") => face.italic = true,
            Some("normal") => face.italic = false,
            _ => {}
        }
        match self.get(element, "fontWeight") {
            Some("bold") => face.bold = true,
            Some("normal") => face.bold = false,
            _ => {}
        }
        for word in self
            .get(element, "textDecoration")
            .unwrap_or_default()
            .split_ascii_whitespace()
        {
            match word {
                "underline" => face.underline = true,
                "none" | "noUnderline" => face.underline = false,
                _ => {}
            }
        }
        face
    }

    /// True when nothing of an element is shown.
    pub(super) fn is_hidden(&self, element: &'a Element) -> bool {
        self.get(element, "display") == Some("none")
            || self.get(element, "visibility") == Some("hidden")
    }

    /// How text is aligned in an element, where it says so.
    pub(super) fn alignment(&self, element: &'a Element) -> Option<&'a str> {
        self.get(element, "textAlign")
    }

    /// The region of a name.
    pub(super) fn region(&self, id: &str) -> Option<&'a Element> {
        self.regions.get(id).copied()
    }

    /// WebVTT settings for text in a region, aligned as its elements say.
    pub(super) fn settings(&self, region: Option<&'a Element>, alignment: Option<&str>) -> String {
        let area = region.and_then(|region| {
            let (x, y) = self.pair(self.get(region, "origin")?)?;
            let (width, height) = self.pair(self.get(region, "extent")?)?;
            Some((x, y, width, height))
        });
        let alignment =
            alignment.or_else(|| region.and_then(|region| self.get(region, "textAlign")));
        let mut settings = Vec::new();
        if let (Some(region), Some((_, y, _, height))) = (region, area) {
            let (line, anchor) = match self.get(region, "displayAlign") {
                Some("after") => (y + height, ",end"),
                Some("center") => (y + height / 2.0, ",center"),
                _ => (y, ""),
            };
            // What stands near the bottom is where WebVTT puts text anyway, out of the way of controls.
            if (0.0..80.0).contains(&line) {
                settings.push(format!("line:{line:.0}%{anchor}"));
            }
        }
        let side = match alignment {
            Some("left" | "start") => Some(("start", area.map(|(x, ..)| x))),
            Some("right" | "end") => Some(("end", area.map(|(x, _, width, _)| x + width))),
            _ => None,
        };
        if let Some((side, place)) = side {
            if let Some(place) = place.filter(|place| (0.0..=100.0).contains(place)) {
                settings.push(format!("position:{place:.0}%"));
            }
            settings.push(format!("align:{side}"));
        }
        settings.join(" ")
    }

    /// Two lengths as percentages of width and height.
    fn pair(&self, text: &str) -> Option<(f64, f64)> {
        let (x, y) = text.trim().split_once(' ')?;
        let length = |text: &str, pixels: Option<f64>, cells: f64| {
            let text = text.trim();
            let unit = text.find(|c: char| c.is_ascii_alphabetic() || c == '%')?;
            let value = text[..unit].parse::<f64>().ok()?;
            match &text[unit..] {
                "%" | "rw" | "rh" => Some(value),
                "px" => Some(value * 100.0 / pixels?),
                "c" => Some(value * 100.0 / cells),
                _ => None,
            }
        };
        Some((
            length(x, self.pixels.map(|(width, _)| width), self.cells.0)?,
            length(y, self.pixels.map(|(_, height)| height), self.cells.1)?,
        ))
    }
}
