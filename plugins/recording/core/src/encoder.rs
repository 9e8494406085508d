//! The recorded picture as VP8 (RFC 6386), by libvpx: of a picture that follows another one, only those blocks are looked at that have changed.
#![expect(unsafe_code, reason = "libvpx is a C library")]

use std::ffi::{c_int, c_uint, c_ulong};
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use bytes::Bytes;
use vpx_sys as sys;

use crate::{Damage, Planes, RecordingError, VideoSize};

/// Speed 8 of 16, and fixed: a positive one would adapt to how busy the machine is, and so would the pictures.
const SPEED: c_int = -8;
/// The finest quantizer used, of 63: text of ten pixels looks as on the screen, and finer ones only take bits.
const QUANTIZER_SHARP: c_uint = 18;
/// The coarsest, while much moves: text of ten pixels is still read without effort.
const QUANTIZER_READABLE: c_uint = 40;
/// What was coded more coarsely than this is coded once more with the next picture.
const QUANTIZER_GOOD: c_int = QUANTIZER_SHARP as c_int + 4;
/// A changed block that differs by less than this (libvpx's own measure) keeps what it had: noise of a camera.
const STATIC_THRESHOLD: c_int = 100;
/// What libvpx knows as "screen content": text keeps its edges, and nothing is smoothed in time.
const SCREEN_CONTENT: c_int = 1;
/// The segment of what rests, which the loop filter leaves alone: it would smooth the same text again with each picture.
const RESTING: u8 = 1;
const NO_FILTER: c_int = -63;
/// Of the older pictures that VP8 keeps one is left out: looking there too takes a fifth longer and saves nothing.
const ONE_OLDER: c_uint = sys::VP8_EFLAG_NO_REF_ARF | sys::VP8_EFLAG_NO_UPD_ARF;
/// How much of the bit rate may be borrowed: at most, at the beginning, and in the long run. Milliseconds.
const BUFFER_MS: (c_uint, c_uint, c_uint) = (6_000, 4_000, 5_000);
/// Times are counted in microseconds.
const TICKS_A_SECOND: c_int = 1_000_000;
/// For so long a picture is taken to stand. Only the rate control asks, and it learns more from the times of the pictures.
const PICTURE_TIME: Duration = Duration::from_millis(33);

/// One picture of the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// A frame as RFC 6386 has it.
    pub frame: Bytes,
    /// It stands alone.
    pub is_key: bool,
}

/// Encodes pictures of one size. The same pictures at the same times give the same bytes.
pub struct Encoder {
    /// On the heap: libvpx is told where it lies.
    context: Box<sys::vpx_codec_ctx_t>,
    size: VideoSize,
    /// What was coded more coarsely than it should stay.
    coarse: Damage,
    /// For the next picture: what is coded, and which segment each block belongs to.
    active: Damage,
    segments: Vec<u8>,
    /// The time of the last picture, in ticks.
    last: Option<i64>,
}

// SAFETY: a context belongs to no thread; libvpx asks only that it is used by one at a time, which `&mut self` grants.
unsafe impl Send for Encoder {}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encoder({:?})", self.size)
    }
}

impl Encoder {
    /// An encoder whose first picture stands alone. `bits_a_second` bounds what moves; text that rests is sharp all the same.
    pub fn new(size: VideoSize, bits_a_second: u32) -> Result<Self, RecordingError> {
        let config = config(size, bits_a_second)?;
        let mut context = Box::new(MaybeUninit::<sys::vpx_codec_ctx_t>::zeroed());
        // SAFETY: libvpx fills the context in, which is read only when it says so; the configuration is whole, and is copied.
        let context = unsafe {
            check(sys::vpx_codec_enc_init_ver(
                context.as_mut_ptr(),
                sys::vpx_codec_vp8_cx(),
                &raw const config,
                0,
                sys::VPX_ENCODER_ABI_VERSION as c_int,
            ))?;
            context.assume_init()
        };
        let none = Damage::none(size);
        let segments = vec![0; none.blocks().len()];
        let mut encoder = Self { context, size, coarse: none.clone(), active: none, segments, last: None };
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_CPUUSED, SPEED)?;
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_STATIC_THRESHOLD, STATIC_THRESHOLD)?;
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_SCREEN_CONTENT_MODE, SCREEN_CONTENT)?;
        Ok(encoder)
    }

    /// The recording's next picture, which is whole; `damage` has all in which it differs from the one before. Where `key` is set, and for the
    /// first one, all of it is encoded.
    ///
    /// # Panics
    /// When the picture or the damage has another size than the recording.
    pub fn encode(
        &mut self,
        picture: &Planes<'_>,
        damage: &Damage,
        time: Duration,
        key: bool,
    ) -> Result<Encoded, RecordingError> {
        let (width, height) = (self.size.width() as usize, self.size.height() as usize);
        assert_eq!((picture.width, picture.height), (width, height), "all pictures have one size");
        let key = key || self.last.is_none();
        self.active.clone_from(damage);
        if key {
            self.active.fill();
        } else {
            self.active.join(&self.coarse);
        }
        self.select(key)?;
        let ticks = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let ticks = self.last.map_or(ticks, |last| ticks.max(last.saturating_add(1)));
        self.last = Some(ticks);
        let flags = if key { sys::VPX_EFLAG_FORCE_KF } else { ONE_OLDER };
        let image = image(picture);
        // SAFETY: the context is initialised; the image points to planes of the size that it says, which libvpx only reads, and not after it returns.
        check(unsafe {
            sys::vpx_codec_encode(
                &raw mut *self.context,
                &raw const image,
                ticks,
                PICTURE_TIME.as_micros() as c_ulong,
                flags.into(),
                sys::VPX_DL_REALTIME.into(),
            )
        })?;
        let encoded = self.packet()?;
        self.remember()?;
        Ok(encoded)
    }

    /// Tells libvpx which blocks it is to look at, and which ones rest.
    fn select(&mut self, all: bool) -> Result<(), RecordingError> {
        let blocks = self.active.blocks();
        self.segments.iter_mut().zip(blocks).for_each(|(segment, active)| *segment = RESTING * (1 - active));
        let (rows, cols) = (self.active.rows() as c_uint, self.active.columns() as c_uint);
        let map = if all { ptr::null_mut() } else { blocks.as_ptr().cast_mut() };
        let mut active = sys::vpx_active_map { active_map: map, rows, cols };
        let map = if all { ptr::null_mut() } else { self.segments.as_mut_ptr() };
        // SAFETY: numbers and a pointer, all of which may be zero.
        let mut resting: sys::vpx_roi_map = unsafe { std::mem::zeroed() };
        (resting.roi_map, resting.rows, resting.cols) = (map, rows, cols);
        resting.delta_lf[usize::from(RESTING)] = NO_FILTER;
        for (id, map) in [
            (sys::vp8e_enc_control_id::VP8E_SET_ACTIVEMAP, (&raw mut active).cast::<std::ffi::c_void>()),
            (sys::vp8e_enc_control_id::VP8E_SET_ROI_MAP, (&raw mut resting).cast()),
        ] {
            // SAFETY: the context is initialised; both controls take a pointer to such a map, whose blocks they copy before they return. Where none
            // is given, all blocks are alike.
            check(unsafe { sys::vpx_codec_control_(&raw mut *self.context, id as c_int, map) })?;
        }
        Ok(())
    }

    /// Finds out how coarsely the last picture was coded.
    fn remember(&mut self) -> Result<(), RecordingError> {
        let mut quantizer: c_int = 0;
        let id = sys::vp8e_enc_control_id::VP8E_GET_LAST_QUANTIZER_64;
        // SAFETY: the context is initialised, and this control takes a pointer to an integer that it fills in.
        check(unsafe { sys::vpx_codec_control_(&raw mut *self.context, id as c_int, &raw mut quantizer) })?;
        if QUANTIZER_GOOD < quantizer {
            self.coarse.join(&self.active);
        } else {
            self.coarse.clear();
        }
        Ok(())
    }

    /// There is one: nothing lags, and nothing is left out.
    fn packet(&mut self) -> Result<Encoded, RecordingError> {
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
                    return Ok(Encoded { frame: Bytes::copy_from_slice(bytes), is_key });
                }
            }
        }
        Err(RecordingError::Encoder { reason: "no frame came out" })
    }

    fn control(&mut self, id: sys::vp8e_enc_control_id, value: c_int) -> Result<(), RecordingError> {
        // SAFETY: the context is initialised, and each of these controls takes one integer.
        check(unsafe { sys::vpx_codec_control_(&raw mut *self.context, id as c_int, value) })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the context is initialised, and nobody uses it any more.
        unsafe { sys::vpx_codec_destroy(&raw mut *self.context) };
    }
}

/// The planes as libvpx wants to be told of them.
///
/// # Panics
/// When a plane is shorter than its rows.
fn image(picture: &Planes<'_>) -> sys::vpx_image_t {
    let (width, height) = (picture.width, picture.height);
    for (plane, divisor) in [1, 2, 2].into_iter().enumerate() {
        let (columns, rows) = (width.div_ceil(divisor), height.div_ceil(divisor));
        let (stride, length) = (picture.strides[plane], picture.planes[plane].len());
        assert!(columns <= stride && (rows - 1) * stride + columns <= length, "a plane has all of its rows");
    }
    let [luma, blues, reds] = picture.planes.map(|plane| plane.as_ptr().cast_mut());
    let strides = picture.strides.map(|stride| stride as c_int);
    let (w, h) = (width as c_uint, height as c_uint);
    sys::vpx_image_t {
        fmt: sys::vpx_img_fmt::VPX_IMG_FMT_I420,
        w,
        h,
        d_w: w,
        d_h: h,
        x_chroma_shift: 1,
        y_chroma_shift: 1,
        bit_depth: 8,
        bps: 12,
        planes: [luma, blues, reds, ptr::null_mut()],
        stride: [strides[0], strides[1], strides[2], 0],
        ..sys::vpx_image_t::default()
    }
}

fn config(size: VideoSize, bits_a_second: u32) -> Result<sys::vpx_codec_enc_cfg_t, RecordingError> {
    let mut config = sys::vpx_codec_enc_cfg_t::default();
    // SAFETY: libvpx fills the structure in, and says so by its result.
    check(unsafe { sys::vpx_codec_enc_config_default(sys::vpx_codec_vp8_cx(), &raw mut config, 0) })?;
    (config.g_w, config.g_h) = (size.width(), size.height());
    // libvpx's threads wait for each other in a loop: on a busy machine two take many times as long as one, and more work.
    config.g_threads = 1;
    config.g_timebase = sys::vpx_rational { num: 1, den: TICKS_A_SECOND };
    config.g_error_resilient = 0;
    config.g_pass = sys::vpx_enc_pass::VPX_RC_ONE_PASS;
    config.g_lag_in_frames = 0;
    config.rc_end_usage = sys::vpx_rc_mode::VPX_VBR;
    config.rc_target_bitrate = bits_a_second.div_ceil(1_000).max(1);
    config.rc_dropframe_thresh = 0;
    config.rc_resize_allowed = 0;
    (config.rc_min_quantizer, config.rc_max_quantizer) = (QUANTIZER_SHARP, QUANTIZER_READABLE);
    (config.rc_buf_sz, config.rc_buf_initial_sz, config.rc_buf_optimal_sz) = BUFFER_MS;
    // Whoever records says when a cluster begins.
    config.kf_mode = sys::vpx_kf_mode::VPX_KF_DISABLED;
    Ok(config)
}

fn check(status: sys::vpx_codec_err_t) -> Result<(), RecordingError> {
    let reason = match status {
        sys::vpx_codec_err_t::VPX_CODEC_OK => return Ok(()),
        sys::vpx_codec_err_t::VPX_CODEC_MEM_ERROR => "there is no memory for it",
        sys::vpx_codec_err_t::VPX_CODEC_ABI_MISMATCH => "the library is of another version",
        sys::vpx_codec_err_t::VPX_CODEC_INCAPABLE => "the library was built without it",
        _ => "the library refuses",
    };
    Err(RecordingError::Encoder { reason })
}
