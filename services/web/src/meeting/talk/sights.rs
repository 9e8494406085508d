//! How viewers see cameras: looked up from time to time, and told to those for whom it has changed.

use std::collections::BTreeMap;

use convene_domain::{FeedQuality, ParticipantId, SeenFeed};
use convene_pipelines::{Sight, SightReason};

use super::Talk;
use crate::blocking::blocking;

/// What each viewer was told last.
#[derive(Default)]
pub(super) struct Told(BTreeMap<ParticipantId, Vec<SeenFeed>>);

impl Talk {
    /// Those viewers for whom something has changed, and all that each of them sees.
    pub(crate) async fn changed_sights(&mut self) -> Vec<(ParticipantId, Vec<SeenFeed>)> {
        let Some(pipeline) = self.running.as_ref().map(|running| running.pipeline.clone()) else {
            return Vec::new();
        };
        let seen = blocking(move || pipeline.sights()).await;
        self.sights.renew(&seen)
    }
}

impl Told {
    fn renew(&mut self, seen: &[Sight]) -> Vec<(ParticipantId, Vec<SeenFeed>)> {
        let mut now: BTreeMap<ParticipantId, Vec<SeenFeed>> =
            self.0.keys().map(|viewer| (*viewer, Vec::new())).collect();
        for seen in seen {
            let sights = now.entry(ParticipantId(seen.viewer)).or_default();
            sights.extend(sight(seen));
        }
        now.values_mut().for_each(|sights| sights.sort_by_key(|sight| sight.id));
        let changed = now.iter().filter(|(viewer, sights)| match self.0.get(viewer) {
            Some(told) => told != *sights,
            None => !sights.is_empty(),
        });
        let changed = changed.map(|(viewer, sights)| (*viewer, sights.clone())).collect();
        now.retain(|_, sights| !sights.is_empty());
        self.0 = now;
        changed
    }

    /// Whoever begins anew knows nothing.
    pub(super) fn forget(&mut self, viewer: ParticipantId) {
        self.0.remove(&viewer);
    }
}

fn sight(seen: &Sight) -> Option<SeenFeed> {
    let quality = match (seen.why, seen.layer) {
        (SightReason::Silent, _) => return None,
        (SightReason::Bandwidth, None) => FeedQuality::Paused,
        (SightReason::Bandwidth, Some(_)) => FeedQuality::Bandwidth,
        (SightReason::AsShown, _) => FeedQuality::AsShown,
        (SightReason::BestThereIs, _) => FeedQuality::BestThereIs,
    };
    Some(SeenFeed { id: ParticipantId(seen.person), quality })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: u32 = 1;
    const BOB: u32 = 2;

    fn seen(viewer: u32, person: u32, layer: Option<u8>, why: SightReason) -> Sight {
        Sight { viewer, person, layer, why }
    }

    /// Viewer, person and quality, of those who are told.
    fn told(told: &mut Told, seen: &[Sight]) -> Vec<(u32, Vec<(u32, FeedQuality)>)> {
        let changed = told.renew(seen).into_iter();
        let flat = |sights: Vec<SeenFeed>| sights.iter().map(|sight| (sight.id.0, sight.quality)).collect();
        changed.map(|(viewer, sights)| (viewer.0, flat(sights))).collect()
    }

    #[test]
    fn whoever_sees_something_else_is_told_once() {
        let mut book = Told::default();
        let wide = [seen(ANN, BOB, Some(2), SightReason::AsShown), seen(BOB, ANN, None, SightReason::Silent)];
        assert_eq!(told(&mut book, &wide), [(ANN, vec![(BOB, FeedQuality::AsShown)])]);
        assert_eq!(told(&mut book, &wide), []);
        let narrow = [seen(ANN, BOB, Some(0), SightReason::Bandwidth)];
        assert_eq!(told(&mut book, &narrow), [(ANN, vec![(BOB, FeedQuality::Bandwidth)])]);
        let none = [seen(ANN, BOB, None, SightReason::Bandwidth)];
        assert_eq!(told(&mut book, &none), [(ANN, vec![(BOB, FeedQuality::Paused)])]);
        assert_eq!(told(&mut book, &[]), [(ANN, vec![])], "the camera is off");
        assert_eq!(told(&mut book, &[]), []);
    }

    #[test]
    fn whoever_comes_back_is_told_anew() {
        let mut book = Told::default();
        let wide = [seen(ANN, BOB, Some(2), SightReason::BestThereIs)];
        assert_eq!(told(&mut book, &wide).len(), 1);
        book.forget(ParticipantId(ANN));
        assert_eq!(told(&mut book, &wide).len(), 1);
    }
}
