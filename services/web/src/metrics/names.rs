//! What each number is called, and what it means.

use prometheus_client::registry::{Registry, Unit};

use super::{Media, Meetings, Metrics, Process, Recordings, Regions, Spool};

const PREFIX: &str = "convene";

impl Metrics {
    /// Gives everything its name. Units and `_total` are appended as Prometheus wants them.
    pub(super) fn name_all(&self) {
        let mut registry = self.registry.lock();
        self.process.name(&mut registry);
        let registry = registry.sub_registry_with_prefix(PREFIX);
        self.recordings.name(registry);
        self.spool.name(registry);
        self.regions.name(registry);
        self.meetings.name(registry);
        self.media.name(registry);
        self.sound.name(registry);
    }
}

impl Recordings {
    fn name(&self, registry: &mut Registry) {
        registry.register("recordings", "Recordings in the catalogue, by state", self.catalogued.clone());
        registry.register("recorders", "Recording processes that run", self.running.clone());
        registry.register(
            "recordings_max",
            "Recordings that this machine makes at once at most",
            self.max.clone(),
        );
        let help = "Recordings that were not begun because this machine made as many as it may";
        registry.register("recordings_refused", help, self.refused.clone());
        let help = "Recordings whose process has ended, by the state that it left; finishing and degraded ones follow from the spool";
        registry.register("recordings_ended", help, self.ended.clone());
    }
}

impl Spool {
    fn name(&self, registry: &mut Registry) {
        let bytes = || Unit::Bytes;
        let help = "What waits on local disk until every region has it";
        registry.register_with_unit("spool", help, bytes(), self.bytes.clone());
        let help = "Recordings that lie in the spool, those that run among them";
        registry.register("spool_recordings", help, self.recordings.clone());
        let help = "Age of the oldest block that some region lacks; 0 when nothing waits";
        registry.register_with_unit("spool_oldest_block_age", help, Unit::Seconds, self.oldest.clone());
        let help = "What is free on the disk of the spool";
        registry.register_with_unit("spool_disk_free", help, bytes(), self.free.clone());
    }
}

impl Regions {
    fn name(&self, registry: &mut Registry) {
        let help = "How long the oldest block that is not safe in the region has waited, of all recordings; up to 10 s is as it should be";
        registry.register_with_unit("region_lag", help, Unit::Seconds, self.lag.clone());
        let help = "What is not safe in the region yet, of all recordings";
        registry.register_with_unit("region_behind", help, Unit::Bytes, self.lag_bytes.clone());
        registry.register("region_put_blocks", "Blocks that the region took", self.blocks.clone());
        let help = "Bytes of the blocks that the region took";
        registry.register_with_unit("region_put", help, Unit::Bytes, self.bytes.clone());
        registry.register("region_errors", "Calls to the region that failed", self.errors.clone());
    }
}

impl Meetings {
    fn name(&self, registry: &mut Registry) {
        registry.register("meetings", "Meetings that are held", self.there.clone());
        let help = "Participants of all meetings, by how they take part: browser, telephone, or a program by WHIP or WHEP";
        registry.register("participants", help, self.participants.clone());
        registry.register("viewers", "Participants who watch a shared screen", self.viewers.clone());
        registry.register("calls", "Telephone calls that were let into a meeting's talk", self.calls.clone());
    }
}

impl Media {
    fn name(&self, registry: &mut Registry) {
        let help = "Video packets that the relays sent to viewers";
        registry.register("relay_video_packets", help, self.packets.clone());
        let help = "Bytes a second that the relays grant to the cameras that are shown";
        registry.register("relay_video_granted_bytes_per_second", help, self.granted.clone());
        let help = "Cameras that viewers see, by the encoding that they get (0 is the first that a camera has sent, mostly the smallest; none while it is paused) and by the reason: as-shown, best-there-is, bandwidth or silent";
        registry.register("relay_video_slots", help, self.sights.clone());
        let help = "Meetings that have voices; each mixes 50 frames a second while anybody is heard";
        registry.register("mixers", help, self.mixers.clone());
        registry.register("mixer_frames", "Frames of 20 ms that were mixed", self.frames.clone());
        let help = "Frames of voices by what became of them: decoded in time, late, or lost";
        registry.register("mixer_voice_frames", help, self.voices.clone());
    }
}

impl Process {
    fn name(&self, registry: &mut Registry) {
        let help = "User and system CPU time of the service; recorders are processes of their own";
        registry.register_with_unit("process_cpu", help, Unit::Seconds, self.cpu.clone());
        registry.register_with_unit(
            "process_resident_memory",
            "Resident memory",
            Unit::Bytes,
            self.memory.clone(),
        );
        registry.register("process_open_fds", "Open files and sockets", self.files.clone());
    }
}
