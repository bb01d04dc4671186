// Fields of the server's messages as the page reads them, where explorer/protocol does not declare their insides.

import type { SpectrumLook, Theme, Update } from "./protocol.d.ts"

export type Floats = Float32Array | Float64Array
export type Ends = [number, number]
/** Column name, label, and the heading of its group ("" for none). */
export type ColumnEntry = [name: string, label: string, heading: string]

// ---- Explore ----

export interface AxisSpec {
  column?: string
  label: string
  ends: Ends
  home: Ends
  turn?: number | null
  widest?: number | null
}

export type Shape =
  | { kind: "lines"; xs: Floats[]; ys: Floats[]; colours: string[] }
  | { kind: "dots"; x: Floats; y: Floats }
  | { kind: "sun"; x: number[]; y: number[] }
  | { kind: "arrows" }
  | { kind: "none" }

export interface OverlaySpec {
  name: string
  label: string
  on: boolean
}

export interface ShapedOverlay extends OverlaySpec {
  shape: Shape
}

interface Card {
  view: string
  title: string
  caption: [text: string, colour: string][]
  about?: string
}

export interface Legend {
  label: string
  low?: string
  high?: string
  gradient?: string
  entries?: [name: string, colour: string][]
}

/** What a figure needs to be built. */
export interface FigureSpec {
  title: string
  x: AxisSpec
  y: AxisSpec
  square?: boolean
}

export interface PlaneSpec extends Card {
  kind: "plane"
  overlays: ShapedOverlay[]
  square: boolean
  x: AxisSpec
  y: AxisSpec
  parts?: string[]
  part?: number
  bar?: Legend
}

export interface BarsSpec extends Card {
  kind: "bars"
  overlays: OverlaySpec[]
  x: AxisSpec
  y: { label: string }
  logarithmic: boolean
}

export interface MissingSpec extends Card {
  kind: "missing"
  overlays: OverlaySpec[]
  sentence: string
}

export type ViewSpec = PlaneSpec | BarsSpec | MissingSpec

export interface StageState {
  panels: (ViewSpec | null)[]
  enlarged?: number | null
  catalogue?: [view: string, title: string, empty: boolean][]
  columns?: ColumnEntry[]
  theme?: Theme
}

export type PaletteName = "everything" | "selected" | "texture" | "histogram"
/** Colours of 256 levels, each as RGBA in one word. */
export type Palettes = Record<PaletteName, Uint32Array>

export interface ColoursState extends Partial<Record<PaletteName, ArrayBuffer | ArrayBufferView>> {
  theme?: Theme
  bars?: [slot: number, bar: Legend][]
}

export interface ImageLayer {
  name: "everything" | "selected" | "texture"
  window: [number, number, number, number]
  shape: [height: number, width: number]
  from: number
  to: number
}

export interface StarsLayer {
  name: "stars"
  x: Floats
  y: Floats
  id: string[]
}

export interface PickedLayer {
  name: "picked"
  levels: ArrayBuffer | ArrayBufferView
}

export interface DotsLayer {
  name: "dots"
  overlays: string[]
  images: Ends[]
}

export interface ArrowsLayer {
  name: "arrows"
  x0: Floats
  y0: Floats
  x1: Floats
  y1: Floats
}

export interface BarsLayer {
  name: "everything" | "selected"
  edges: Floats
  counts: Floats
}

export type PlaneLayer = ImageLayer | StarsLayer | PickedLayer | DotsLayer | ArrowsLayer
export type Layer = (PlaneLayer | BarsLayer) & { slot: number }

export interface ToolbarState {
  count?: [selected: string, all: string, share: string]
  subset?: [name: string, colour: string]
  tool?: string
  mode?: string
  undo?: boolean
  redo?: boolean
  colours?: ColumnEntry[]
  colour_by?: string
  grid?: number
}

export interface TableState {
  columns?: [name: string, label: string, description: string][]
  sort?: [column: string, descending: boolean] | null
  rows?: string[][]
  ids?: string[]
  page?: number
  pages?: number
  first?: boolean
  last?: boolean
  focus?: string
  note?: string
}

export interface CheckState {
  text: string
  cursor: number
  start: number
  words: [word: string, help: string][]
  count?: string
  error?: [message: string, start: number, end: number]
}

export interface SubsetState {
  name: string
  colour: string
  count: string
  words: string
}

export interface SubsetNode {
  joint: string
  words: string
  count: string
  nodes: SubsetNode[]
}

export interface SideState {
  open?: boolean
  check?: CheckState
  subsets?: SubsetState[]
  views?: string[]
  saved?: boolean
  said?: string
  place?: string
  children?: { name: string; nodes: SubsetNode[] }
  verdicts?: [name: string, label: string][]
  categories?: ColumnEntry[]
}

export interface MoreState {
  exports: [form: string, label: string][]
  figures: [key: string, title: string, missing: string][]
  summary: string
  samp: boolean
}

export type TourStep = [selector: string, words: string]

export interface HelpState {
  shortcuts: [keys: string, meaning: string][]
  gestures: string[]
  tour: TourStep[]
}

// ---- A star ----

/** Name, label, unit, lowest and highest value, and step of a slider. */
export type SliderSpec = [name: string, label: string, unit: string, low: number, high: number, step: number]

export interface RefitSetup {
  sentence?: string
  labels?: SliderSpec[]
  sigma?: ArrayLike<number> | null
}

export interface StarSetup {
  zooms: Record<ZoomName, Ends>
  telluric: [name: string, low: number, high: number][]
  arms: Ends | null
  wavelength?: Floats
  features?: [name: string, wavelength: number][]
  raw?: boolean
  refit: RefitSetup
  simulated: boolean
}

export type ZoomName = "ca" | "tio"

export interface StarFacts {
  labels: [
    name: string,
    label: string,
    unit: string,
    value: string,
    calibrated: string,
    formal: string,
    reference: string,
  ][]
  groups: [title: string, entries: [name: string, label: string, text: string, about: string][]][]
  bits: string[]
  in_training: boolean
  repeats: string[]
  links: [name: string, address: string][]
}

/** A star as the server sends it; without arrays where it has no spectrum. */
export interface StarPacket {
  obsid: string
  sentence: string
  note: string
  rv: number | null
  facts: StarFacts
  remarks: [campaign: string, text: string, note: string][]
  published: Record<string, number | null>
  flux?: ArrayLike<number>
  ivar?: ArrayLike<number>
  mask?: Uint8Array
  model?: ArrayLike<number>
  continuum?: ArrayLike<number>
  next?: string
  previous?: string
}

/** The arrays of a spectrum, all of one length. */
export interface Spectrum {
  flux: Float32Array
  ivar: Float32Array
  mask: Uint8Array
  model: Float32Array
  continuum: Float32Array
}

/** A star as the page keeps it. */
export interface Star extends Omit<StarPacket, keyof Spectrum> {
  spectrum: Spectrum | null
}

export type NoStar = { sentence: string; obsid?: undefined }

export interface FitResult {
  sentence: ""
  obsid: string
  values: Record<string, number>
  rows: [name: string, value: string, calibrated: string, formal: string][]
  fixed: string[]
  at_bound: string[]
  reason: string
  chi2: string
  published_chi2: string
  reduced: string
  n_pixels: string
  model: ArrayLike<number>
}

export type Refusal = { sentence: string }

export interface Correlation {
  x: Floats
  y: Floats
  peaks: [velocity: number, height: number][]
  template: string
}

export interface HullState {
  names: [name: string, label: string][]
  training: Floats[]
  star: number[]
  distance: string
  limit: string
  outside: boolean
}

export interface EvidenceState {
  sentence: ""
  obsid: string
  rv: number | null
  windows: [low: number, high: number, chi2: number | null][]
  ccf: Correlation[]
  lines: [name: string, velocity: number, error: number][]
  hull?: HullState
  nearest?: string[]
}

export interface PosteriorState {
  obsid: string
  draws: Floats[]
  effective: string
  fitted: number[]
  calibrated: (number | null)[]
}

// ---- Vetting ----

export interface CampaignChoice {
  campaigns: [id: string, name: string][]
  campaign: string
  who: string
  signed: boolean
}

export interface Proposal {
  [quantity: string]: number | string
}

export interface Review {
  id: string
  user: string
  utc: string
  occasion: number
  verdict: number
  flags: string[]
  note: string
  proposal: Proposal
  refit: boolean
  imported?: string
}

/** What the form of a verdict shows of a star. */
export interface DeskState extends CampaignChoice {
  star: string
  sentence: string
  verdicts: [digit: number, text: string][]
  flags: [flag: string, key: string][]
  quantities: [name: string, label: string, unit: string, published: number | null][]
  before: Review | null
  taken_back?: Review | null
}

export interface VetState extends DeskState {
  counts?: { done: number; left: number }
}

export interface AdjudicateState extends DeskState {
  cases: [star: string, settled: boolean][]
  reasons: string[]
  reviews: Review[]
}

export interface OverviewState {
  stars: number
  controls: number
  reviews: [done: number, needed: number]
  left: string
  inspectors: string[][]
  done?: [status: string, count: number][]
  fleiss?: [kappa: string, stars: number]
  pairs?: string[][]
}

export interface CampaignsState extends CampaignChoice {
  adjudicator: boolean
  role: string
  selected: number
  selection: string
  most: number
  failed: string[]
  about?: string
  imports?: string[]
  overview?: OverviewState
}

// ---- Columns ----

export interface StatusState {
  heading: string
  text: string
  fraction: number | null
  error: string
  open: boolean
  retry: boolean
}

export interface FedColumn {
  ours: string
  label: string
  description: string
  theirs: string
  why: string
  unit_from: string
  unit_to: string
  known: string
  share: number
  range: [] | [low: string, middle: string, high: string]
  replaced: string
  note: string
  units: string[]
  corrected: boolean
}

export interface FileTable {
  file: string
  heading: string
  schema: string
  match: string
  notes: string[]
  names: string[]
  own: string[]
  columns: FedColumn[]
  absent: [ours: string, corrected: boolean][]
}

export interface ColumnsState {
  tables: FileTable[]
  stages: [name: string, reason: string][]
  roles: [name: string, label: string, description: string, unit: string, units: string[]][]
}

// ---- The message ----

interface Payloads {
  adjudicate: AdjudicateState
  ahead: StarPacket[]
  campaigns: CampaignsState
  colours: ColoursState
  columns: ColumnsState
  evidence: EvidenceState | Refusal
  focus: [slot: number, xs: number[], ys: number[]][]
  help: HelpState
  layers: Layer[]
  legend: Legend
  more: MoreState
  notes: [slot: number, text: [words: string, title: string] | null][]
  pinned: StarPacket
  pixels: ArrayBuffer | ArrayBufferView
  posterior: PosteriorState | (Refusal & { obsid: string })
  refit: FitResult | Refusal
  side: SideState
  slid: { obsid: string; number: number; model: ArrayLike<number> }
  stage: StageState
  star: StarPacket | NoStar
  star_setup: StarSetup
  status: StatusState
  switched: [slot: number, name: string, on: boolean]
  table: TableState
  toolbar: ToolbarState
  tour: TourStep[]
  vet: VetState
}

/** What the server sends: any of these fields. */
export type Message = Partial<Omit<Required<Update>, keyof Payloads> & Payloads>

/** Of each field, what shows it. */
export type Parts = { [Name in keyof Message]?: (value: Required<Message>[Name], message: Message) => void }

/** The same where each page narrows the theme: Explore sends whether it is dark, vetting sends colours. */
export type Say = (text: string) => void
export type Look = SpectrumLook & { compare: "over" | "difference" | "ratio" }
