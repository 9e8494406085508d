//! Who gets which quality when a viewer's line does not carry everything.

use crate::Quality;
use crate::feed::Offered;

/// To go up, this share of what the better quality takes has to be there: a step that is taken back at once is worse than none.
const RISE_PERCENT: u64 = 120;
/// Temporal layers are given up only for want of bandwidth, so for a small picture the full rate is wished for, too.
const UNKNOWN_BITRATE: u64 = 150_000;

/// One slot's claim, the most wanted first.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What its camera offers, from the least to the best.
    pub offers: Vec<Offered>,
    /// How high the picture is shown, in pixels.
    pub height: u32,
    /// What it has now.
    pub held: Option<Quality>,
}

/// Why a slot gets what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is the best that the camera sends, and still not as high as it is shown.
    BestThereIs,
    /// It is as high as it is shown.
    AsShown,
    /// The line carries no more.
    Bandwidth,
    /// The camera sends nothing now.
    Silent,
}

impl Why {
    /// For statistics.
    pub fn word(self) -> &'static str {
        match self {
            Why::BestThereIs => "best-there-is",
            Why::AsShown => "as-shown",
            Why::Bandwidth => "bandwidth",
            Why::Silent => "silent",
        }
    }
}

/// What a slot gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Nothing while it is paused.
    pub quality: Option<Quality>,
    /// Bits a second that it takes.
    pub bitrate: u64,
    /// The reason.
    pub why: Why,
}

/// Shares the line out: first the least of each as far as it goes, then the most wanted are raised, one after the other, to what they are
/// shown at. `budget` is in bits a second; none means that nothing is known, and everything fits.
pub fn allocate(claims: &[Claim], budget: Option<u64>) -> Vec<Grant> {
    let mut left = budget.unwrap_or(u64::MAX);
    let mut grants: Vec<Grant> = Vec::with_capacity(claims.len());
    for (number, claim) in claims.iter().enumerate() {
        let grant = match claim.offers.first() {
            None => Grant { quality: None, bitrate: 0, why: Why::Silent },
            // The most wanted is never paused: a viewer with a bad line sees at least one face, however poorly.
            Some(least) if number == 0 || cost(claim, least) <= left => {
                left = left.saturating_sub(bitrate(least));
                Grant { quality: Some(least.quality), bitrate: bitrate(least), why: Why::Bandwidth }
            }
            Some(_) => Grant { quality: None, bitrate: 0, why: Why::Bandwidth },
        };
        grants.push(grant);
    }
    for (claim, grant) in claims.iter().zip(&mut grants) {
        raise(claim, grant, &mut left);
    }
    grants
}

/// What would be sent if the line carried everything: what to probe for.
pub fn desired(claims: &[Claim]) -> u64 {
    allocate(claims, None).iter().map(|grant| grant.bitrate).sum()
}

/// Raises a grant as far as its claim goes and the line carries.
fn raise(claim: &Claim, grant: &mut Grant, left: &mut u64) {
    if grant.quality.is_none() {
        return;
    }
    let best = best_wanted(claim);
    for offer in claim.offers.iter().take(best + 1).skip(1) {
        // What the lesser quality takes is given back.
        let available = left.saturating_add(grant.bitrate);
        if cost(claim, offer) <= available {
            *left = available.saturating_sub(bitrate(offer));
            grant.quality = Some(offer.quality);
            grant.bitrate = bitrate(offer);
        }
    }
    let has_best = claim.offers.get(best).is_some_and(|offer| grant.quality == Some(offer.quality));
    grant.why = match has_best {
        false => Why::Bandwidth,
        true if claim.offers.get(best).is_some_and(|offer| u32::from(offer.height) < claim.height) => {
            Why::BestThereIs
        }
        true => Why::AsShown,
    };
}

/// The place of the quality that is as high as it is shown, with all its temporal layers; of the highest where none is.
fn best_wanted(claim: &Claim) -> usize {
    let enough = claim.offers.iter().find(|offer| claim.height <= u32::from(offer.height));
    let height = enough.or(claim.offers.last()).map_or(0, |offer| offer.height);
    claim.offers.iter().rposition(|offer| offer.height == height).unwrap_or(0)
}

/// What has to be there for it.
fn cost(claim: &Claim, offer: &Offered) -> u64 {
    if claim.held.is_some_and(|held| place(claim, offer.quality) <= place(claim, held)) {
        bitrate(offer)
    } else {
        bitrate(offer) * RISE_PERCENT / 100
    }
}

fn place(claim: &Claim, quality: Quality) -> Option<usize> {
    claim.offers.iter().position(|offer| offer.quality == quality)
}

fn bitrate(offer: &Offered) -> u64 {
    if offer.bitrate == 0 { UNKNOWN_BITRATE } else { offer.bitrate }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layer;

    fn offer(layer: u8, height: u16, kbps: u64) -> Offered {
        Offered { quality: Quality { layer: Layer(layer), temporal: 0 }, height, bitrate: kbps * 1000 }
    }

    fn claim(height: u32, held: Option<u8>) -> Claim {
        let offers = vec![offer(0, 180, 100), offer(1, 360, 300), offer(2, 720, 1000)];
        Claim { offers, height, held: held.map(|layer| Quality { layer: Layer(layer), temporal: 0 }) }
    }

    /// The granted layers, and what the first one is told.
    fn layers(claims: &[Claim], kbps: u64) -> Vec<Option<u8>> {
        let grants = allocate(claims, Some(kbps * 1000));
        grants.iter().map(|grant| grant.quality.map(|quality| quality.layer.0)).collect()
    }

    #[test]
    fn without_an_estimate_everything_is_as_it_is_shown() {
        let grants = allocate(&[claim(180, None), claim(300, None), claim(1080, None)], None);
        let got: Vec<_> =
            grants.iter().map(|grant| (grant.quality.map(|quality| quality.layer.0), grant.why)).collect();
        assert_eq!(got, [(Some(0), Why::AsShown), (Some(1), Why::AsShown), (Some(2), Why::BestThereIs)]);
    }

    #[test]
    fn everybody_is_seen_before_anybody_is_sharp() {
        assert_eq!(
            layers(&[claim(720, None), claim(720, None), claim(720, None)], 650),
            [Some(1), Some(0), Some(0)]
        );
    }

    #[test]
    fn the_most_wanted_is_raised_first() {
        assert_eq!(layers(&[claim(720, None), claim(720, None)], 1500), [Some(2), Some(1)]);
        assert_eq!(layers(&[claim(720, None), claim(720, None)], 1300), [Some(2), Some(0)]);
    }

    #[test]
    fn what_does_not_fit_is_paused_and_the_first_never_is() {
        assert_eq!(layers(&[claim(180, None), claim(180, None)], 50), [Some(0), None]);
    }

    #[test]
    fn a_quality_is_held_with_less_than_it_takes_to_reach_it() {
        assert_eq!(layers(&[claim(360, None)], 310), [Some(0)]);
        assert_eq!(layers(&[claim(360, None)], 360), [Some(1)]);
        assert_eq!(layers(&[claim(360, Some(1))], 310), [Some(1)]);
        assert_eq!(layers(&[claim(360, Some(1))], 290), [Some(0)]);
    }

    #[test]
    fn a_silent_camera_takes_nothing() {
        let silent = Claim { offers: Vec::new(), height: 180, held: None };
        let grants = allocate(&[silent, claim(180, None)], Some(130_000));
        assert_eq!((grants[0].quality, grants[0].why), (None, Why::Silent));
        assert_eq!(grants[1].why, Why::AsShown);
    }
}
