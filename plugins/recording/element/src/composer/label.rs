//! Names, in any script that this machine has a font for: Pango finds it by fontconfig.

use convene_recording::Coverage;
use pangocairo::cairo::{Context, Format, ImageSurface};
use pangocairo::pango::{self, EllipsizeMode, FontDescription, SCALE};

/// Around the text, as part of its height.
const MARGIN: f64 = 0.3;
/// More than this of a name fits nowhere.
const CHARACTERS_MAX: usize = 128;

/// A name of this height in pixels, cut with dots where it would be wider than `width_max`.
pub(super) fn render(
    name: &str,
    height: f64,
    width_max: usize,
) -> Result<Coverage, pangocairo::cairo::Error> {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(CHARACTERS_MAX).collect();
    let margin = (height * MARGIN).round();
    let room = width_max as f64 - 2.0 * margin;
    if name.trim().is_empty() || room < height {
        return Ok(Coverage::default());
    }
    // Its size is known only when it was laid out.
    let measured = layout(&Context::new(ImageSurface::create(Format::A8, 1, 1)?)?, &name, height, room);
    // Text that is read from the right stands at the right of its room.
    let (_, text) = measured.pixel_extents();
    let even = |side: f64| (side as i32 + 1) / 2 * 2;
    let (width, lines) =
        (even(f64::from(text.width()) + 2.0 * margin), even(f64::from(text.height()) + margin));
    let mut surface = ImageSurface::create(Format::A8, width, lines)?;
    {
        let context = Context::new(&surface)?;
        context.move_to(margin - f64::from(text.x()), margin / 2.0);
        pangocairo::functions::show_layout(&context, &layout(&context, &name, height, room));
    }
    let (width, lines, stride) = (width as usize, lines as usize, surface.stride() as usize);
    let pixels = surface.data().map_err(|_| pangocairo::cairo::Error::SurfaceFinished)?;
    let bytes = pixels.chunks(stride).take(lines).flat_map(|row| &row[..width]).copied().collect();
    Ok(Coverage { width, height: lines, bytes })
}

fn layout(context: &Context, name: &str, height: f64, room: f64) -> pango::Layout {
    let mut font = FontDescription::from_string("Sans");
    font.set_absolute_size(height * f64::from(SCALE));
    let layout = pangocairo::functions::create_layout(context);
    layout.set_font_description(Some(&font));
    layout.set_text(name);
    layout.set_single_paragraph_mode(true);
    layout.set_ellipsize(EllipsizeMode::End);
    layout.set_width((room * f64::from(SCALE)) as i32);
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(name: &str) -> u64 {
        let text = render(name, 18.0, 300).expect("there is memory");
        assert_eq!(text.bytes.len(), text.width * text.height);
        assert!(text.width <= 300 && text.width.is_multiple_of(2) && text.height.is_multiple_of(2), "{name}");
        text.bytes.iter().map(|covered| u64::from(*covered)).sum()
    }

    #[test]
    fn names_in_any_script_are_drawn() {
        for name in ["Ann", "Jörg Ørsted", "Ελένη", "Дмитрий", "عائشة", "שרה", "山田", "Ann\nBob\0", "👩"]
        {
            assert!(1_000 < ink(name), "{name}");
        }
        assert_ne!(ink("Ann"), ink("Bob"));
    }

    #[test]
    fn a_long_name_is_cut_and_an_empty_one_is_nothing() {
        assert!(20_000 < ink(&"Wilhelmina ".repeat(400)));
        for name in ["", "  ", "\n\t"] {
            assert_eq!(ink(name), 0);
        }
        assert!(render("Ann", 18.0, 12).expect("there is memory").bytes.is_empty());
    }
}
