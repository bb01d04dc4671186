// Names under which the scripts know parts of the server's messages, and what the page makes of them.

import type {
  AnyLayer,
  AxisSpec as SentAxis,
  BarsLayer,
  DotStyle,
  Palettes as SentPalettes,
  ResidualsDrawing,
  Review,
  SpectrumDrawing,
  StarData,
  TrialDrawing,
  Update,
  VetState,
} from "./protocol.d.ts"

export type {
  AdjudicateState,
  AnyFigure as ViewSpec,
  AnyLayer as Layer,
  AnyShape as Shape,
  ArrowsLayer,
  BarsLayer,
  BarsSpec,
  CampaignsState,
  Caption,
  CheckResult as CheckState,
  ChosenLayer,
  CloudLayer,
  ColumnChoice as ColumnEntry,
  ColumnReport as FedColumn,
  ColumnsReport as ColumnsState,
  ContoursLayer,
  ContoursSpec,
  CornerSpec,
  Correlation,
  DotsLayer,
  DotStyle,
  ErrorsLayer,
  EvidenceResult as EvidenceState,
  Exports as ExportsState,
  GraticuleLayer,
  GridState as StageState,
  HelpContent as HelpState,
  Hull as HullState,
  ImageLayer,
  LabelSlider as SliderSpec,
  Legend,
  LinesShape,
  LookState,
  MapLayer,
  MapSpec,
  MarginsLayer,
  MissingSpec,
  OpeningStatus as StatusState,
  OverlaySpec as ShapedOverlay,
  OverlayState,
  OverviewNumbers as OverviewState,
  PickedLayer,
  PlaneSpec,
  PosteriorResult as PosteriorState,
  RefitResult as FitResult,
  RefitSetup,
  Review,
  SelectionNode as SubsetNode,
  Sentence as NoStar,
  Sentence as Refusal,
  SideState,
  SkySpec,
  SpaceSpec,
  StarCard as StarFacts,
  StarData as StarPacket,
  StarSetup,
  StarsLayer,
  StepsLayer,
  SubsetState,
  SwitchSpec as OverlaySpec,
  TableReport as FileTable,
  TableState,
  ToolbarState,
  TourStep,
  VetState,
  Welcome,
} from "./protocol.d.ts"

export type Ends = [number, number]
export type Floats = Float32Array | Float64Array
export type PlaneLayer = Exclude<AnyLayer, BarsLayer>
export type Proposal = Review["proposal"]
export type ZoomName = "ca" | "tio"

/** An axis of a figure, also one that shows no column. */
export type AxisSpec = Pick<SentAxis, "label" | "ends" | "home"> & Partial<SentAxis>

/** What a figure needs to be built. */
export interface FigureSpec {
  title: string
  x: AxisSpec
  y: AxisSpec
  square?: boolean
}

import type { FIGURES } from "./base/declared.js"

/** Colours of figures, as CSS. */
export type FigureColours = (typeof FIGURES)["light"]
export type ThemeName = keyof typeof FIGURES

export type PaletteName = "everything" | "members" | "selected" | "histogram"
/** Colours of 256 levels, each as RGBA in one word, and the look of single stars. */
export type Palettes = Record<PaletteName, Uint32Array> & { dots: DotStyle }
export type ColoursState = Partial<SentPalettes>

/** Residuals as numbers. */
export type PaintedResiduals = Omit<ResidualsDrawing, "values"> & { values: Float32Array }

/** A trial model with its curves as numbers. */
export type PaintedTrial = Omit<TrialDrawing, "flux" | "residuals"> & {
  flux: Float32Array
  residuals: PaintedResiduals
}

type Curves = "flux" | "low" | "high" | "model" | "residuals" | "pinned" | "compared" | "trial"

/** A spectrum with its curves as numbers; a model that is not drawn is unknown everywhere. */
export interface PaintedSpectrum extends Omit<SpectrumDrawing, Curves> {
  flux: Float32Array
  low: Float32Array
  high: Float32Array
  model: Float32Array
  residuals: PaintedResiduals
  pinned: { obsid: string; colour: string; flux: Float32Array }[]
  compared?: { curves: Float32Array[]; ends: Ends; label: string }
  trial?: Float32Array
}

/** A star as the page keeps it. */
export interface Star extends Omit<StarData, "spectrum"> {
  spectrum: PaintedSpectrum | null
}

/** What the form of a verdict shows of a star. */
export type VerdictFormState =
  & CampaignChoice
  & Pick<VetState, "judged" | "star" | "sentence" | "verdicts" | "flags" | "quantities" | "before" | "undone">

/** Campaigns to choose from, and the user. */
export type CampaignChoice = Pick<VetState, "campaigns" | "campaign" | "person" | "signed">

/** What the server sends: any of these parts. */
export type Message = Update

/** Of each part, what shows it. */
export type Parts = { [Name in keyof Message]?: (value: Required<Message>[Name], message: Message) => void }
export type Notify = (text: string) => void
