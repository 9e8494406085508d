//! Frames in, VP8 out: real time, at a constant bit rate.
#![expect(unsafe_code, reason = "libvpx is a C library")]

use std::ffi::{c_int, c_uint, c_ulong};
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use bytes::Bytes;
use vpx_sys as sys;

use super::planes::Planes;
use crate::{Canvas, Rect};

/// Speed 8 of 16, and fixed: a positive one would adapt to how busy the machine is, and so would the bytes.
const SPEED: c_int = -8;
/// The best and the worst quality that the rate control may choose, of 0 to 63.
const QUANTIZERS: (c_uint, c_uint) = (6, 56);
/// A frame is left out when less than so many per cent of the buffer are left.
const DROP_BELOW_PERCENT: c_uint = 30;
/// How much of the bit rate may be borrowed: at most, at the beginning, and in the long run. Milliseconds.
const BUFFER_MS: (c_uint, c_uint, c_uint) = (1_000, 500, 600);
/// A key frame may be as long as so many per cent of a frame of the mean length.
const KEY_FRAME_PERCENT: c_int = 900;
/// Times are counted in microseconds.
const TICKS_A_SECOND: c_int = 1_000_000;
/// Frames are taken to be so far apart, whatever the times say. The first one stands for 30 frames a second.
const FRAME_TIME: std::ops::RangeInclusive<Duration> = Duration::from_millis(5)..=Duration::from_millis(500);
const FIRST_FRAME_TIME: Duration = Duration::from_millis(33);

/// One frame of a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The frame as RFC 6386 has it.
    pub frame: Bytes,
    /// It stands alone.
    pub is_key: bool,
}

/// Encodes a film of one size. The same frames at the same times give the same bytes.
pub struct Encoder {
    /// On the heap: libvpx is told where it lies.
    context: Box<sys::vpx_codec_ctx_t>,
    config: Box<sys::vpx_codec_enc_cfg_t>,
    planes: Planes,
    width: u16,
    height: u16,
    last: Option<Duration>,
    /// Microseconds of film so far.
    ticks: i64,
}

// SAFETY: a context belongs to no thread; libvpx asks only that it is used by one at a time, which `&mut self` grants.
unsafe impl Send for Encoder {}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "vp8::Encoder({} x {})", self.width, self.height)
    }
}

impl Encoder {
    /// An encoder whose first frame is a key frame.
    ///
    /// # Panics
    /// When a side is 0 or over [`super::SIDE_MAX`].
    pub fn new(width: u16, height: u16, bits_a_second: u32) -> Self {
        assert!(
            (1..=super::SIDE_MAX).contains(&width) && (1..=super::SIDE_MAX).contains(&height),
            "a side of a frame"
        );
        let config = Box::new(config(width, height, bits_a_second));
        let mut context = Box::new(MaybeUninit::<sys::vpx_codec_ctx_t>::zeroed());
        // SAFETY: libvpx fills the context in; the configuration is whole, and is copied.
        let context = unsafe {
            let status = sys::vpx_codec_enc_init_ver(
                context.as_mut_ptr(),
                sys::vpx_codec_vp8_cx(),
                &raw const *config,
                0,
                sys::VPX_ENCODER_ABI_VERSION as c_int,
            );
            assert!(is_ok(status), "libvpx has a VP8 encoder of the header's version, and there is memory");
            context.assume_init()
        };
        let mut encoder =
            Self { context, config, planes: Planes::new(width, height), width, height, last: None, ticks: 0 };
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_CPUUSED, SPEED);
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_STATIC_THRESHOLD, 1);
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_MAX_INTRA_BITRATE_PCT, KEY_FRAME_PERCENT);
        encoder
    }

    /// What the film may cost from now on.
    pub fn set_bits_a_second(&mut self, bits_a_second: u32) {
        self.config.rc_target_bitrate = kbits(bits_a_second);
        // SAFETY: the context is initialised, and the configuration is the one that it has but for the rate.
        let status =
            unsafe { sys::vpx_codec_enc_config_set(&raw mut *self.context, &raw const *self.config) };
        assert!(is_ok(status), "another rate is always welcome");
    }

    /// The pixels of `rect` as the film's next frame; `None` when the rate has no room for it.
    ///
    /// # Panics
    /// When the rectangle has another size than the film, or is not within the canvas.
    pub fn encode(&mut self, canvas: &Canvas, rect: Rect, time: Duration, key: bool) -> Option<Encoded> {
        assert_eq!(
            (rect.width, rect.height),
            (self.width, self.height),
            "all frames of a film have one size"
        );
        assert!(rect.is_within(canvas.size().rect()), "the film lies on the canvas");
        self.planes.take_in(canvas, rect);
        let duration = self.last.map_or(FIRST_FRAME_TIME, |last| {
            time.saturating_sub(last).clamp(*FRAME_TIME.start(), *FRAME_TIME.end())
        });
        self.last = Some(time);
        let (start, ticks) = (self.ticks, duration.as_micros() as i64);
        self.ticks += ticks;
        let flags = if key { sys::VPX_EFLAG_FORCE_KF } else { 0 };
        let image = self.image();
        // SAFETY: the context is initialised; the image points to planes of the size that it says, which libvpx copies before it returns.
        let status = unsafe {
            sys::vpx_codec_encode(
                &raw mut *self.context,
                &raw const image,
                start,
                ticks as c_ulong,
                flags.into(),
                sys::VPX_DL_REALTIME.into(),
            )
        };
        assert!(is_ok(status), "libvpx encodes every picture of the right size while there is memory");
        self.packet()
    }

    /// There is at most one: nothing lags.
    fn packet(&mut self) -> Option<Encoded> {
        let mut position = ptr::null();
        // SAFETY: the context is initialised; a packet and what it points to are valid until the next call, and are copied before.
        unsafe {
            while let Some(packet) =
                sys::vpx_codec_get_cx_data(&raw mut *self.context, &raw mut position).as_ref()
            {
                if packet.kind == sys::vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT {
                    let frame = packet.data.frame;
                    let bytes =
                        std::slice::from_raw_parts(frame.buf.cast_const().cast::<u8>(), frame.sz as usize);
                    let is_key = frame.flags & sys::VPX_FRAME_IS_KEY != 0;
                    return Some(Encoded { frame: Bytes::copy_from_slice(bytes), is_key });
                }
            }
        }
        None
    }

    /// The planes as libvpx wants to be told of them.
    fn image(&mut self) -> sys::vpx_image_t {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let (luma, chroma) = self.planes.bytes_mut().split_at_mut(width * height);
        let (blues, reds) = chroma.split_at_mut(half_width * half_height);
        sys::vpx_image_t {
            fmt: sys::vpx_img_fmt::VPX_IMG_FMT_I420,
            w: self.width.into(),
            h: self.height.into(),
            d_w: self.width.into(),
            d_h: self.height.into(),
            x_chroma_shift: 1,
            y_chroma_shift: 1,
            bit_depth: 8,
            bps: 12,
            planes: [luma.as_mut_ptr(), blues.as_mut_ptr(), reds.as_mut_ptr(), ptr::null_mut()],
            stride: [width as c_int, half_width as c_int, half_width as c_int, 0],
            ..sys::vpx_image_t::default()
        }
    }

    fn control(&mut self, id: sys::vp8e_enc_control_id, value: c_int) {
        // SAFETY: the context is initialised, and each of these controls takes one integer.
        let status = unsafe { sys::vpx_codec_control_(&raw mut *self.context, id as c_int, value) };
        assert!(is_ok(status), "libvpx knows this control and takes {value}");
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the context is initialised, and nobody uses it any more.
        unsafe { sys::vpx_codec_destroy(&raw mut *self.context) };
    }
}

fn config(width: u16, height: u16, bits_a_second: u32) -> sys::vpx_codec_enc_cfg_t {
    let mut config = sys::vpx_codec_enc_cfg_t::default();
    // SAFETY: libvpx fills the structure in, and says so by its result.
    let status = unsafe { sys::vpx_codec_enc_config_default(sys::vpx_codec_vp8_cx(), &raw mut config, 0) };
    assert!(is_ok(status), "libvpx has a VP8 encoder");
    (config.g_w, config.g_h) = (width.into(), height.into());
    // libvpx's threads wait for each other in a loop: on a busy machine two take five times as long as one, and three times the work.
    config.g_threads = 1;
    config.g_timebase = sys::vpx_rational { num: 1, den: TICKS_A_SECOND };
    config.g_error_resilient = 0;
    config.g_pass = sys::vpx_enc_pass::VPX_RC_ONE_PASS;
    config.g_lag_in_frames = 0;
    config.rc_end_usage = sys::vpx_rc_mode::VPX_CBR;
    config.rc_target_bitrate = kbits(bits_a_second);
    config.rc_dropframe_thresh = DROP_BELOW_PERCENT;
    config.rc_resize_allowed = 0;
    (config.rc_min_quantizer, config.rc_max_quantizer) = QUANTIZERS;
    (config.rc_undershoot_pct, config.rc_overshoot_pct) = (100, 15);
    (config.rc_buf_sz, config.rc_buf_initial_sz, config.rc_buf_optimal_sz) = BUFFER_MS;
    // Whoever has the film encoded says when a key frame is due.
    config.kf_mode = sys::vpx_kf_mode::VPX_KF_DISABLED;
    config
}

fn kbits(bits: u32) -> c_uint {
    bits.div_ceil(1_000).max(1)
}

fn is_ok(status: sys::vpx_codec_err_t) -> bool {
    status == sys::vpx_codec_err_t::VPX_CODEC_OK
}
