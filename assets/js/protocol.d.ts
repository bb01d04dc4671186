// Generated from explorer/protocol.py by python -m explorer.protocol_types.

/** Build again. */
export interface Again {
  kind: "again";
}

/** List similar stars. */
export interface Alike {
  kind: "alike";
  by: string;
}

/** Select similar stars. */
export interface AlikeSelect {
  kind: "alike_select";
  by: string;
  count: number;
}

/** Similar stars, the most similar first. */
export interface Alikes {
  by: string;
  found: string[];
  obsid: string;
}

/** Keep corrections and build again. */
export interface Apply {
  kind: "apply";
  corrections: Correction[];
}

/** Put a column on an axis of a view. */
export interface Axis {
  kind: "axis";
  slot: number;
  axis: "x" | "y";
  column: string;
}

/** Choose a campaign. */
export interface Campaign {
  kind: "campaign";
  id: string;
}

/** Open a conflict. */
export interface Case {
  kind: "case";
  star: string;
}

/** Name the stars of each value of a column. */
export interface Categories {
  kind: "categories";
  column: string;
}

/** Check an expression while it is typed. */
export interface Check {
  kind: "check";
  text: string;
  cursor: number;
}

/** Select every star. */
export interface Clear {
  kind: "clear";
}

/** Choose the column that colours the stars. */
export interface Colour {
  kind: "colour";
  value: string;
}

/** Export the configuration with the corrections on screen. */
export interface Configuration {
  kind: "configuration";
  corrections: Correction[];
}

/** A page is ready to receive everything. */
export interface Connect {
  kind: "connect";
  seen?: boolean;
  browser?: string | null;
}

/** One choice of the columns page: which column of a table has a role, and its unit. */
export interface Correction {
  table: number;
  ours: string;
  theirs: string | null;
  unit?: string | null;
}

/** Stars that an inspector has judged, and that are left. */
export interface Counts {
  done: number;
  left: number;
}

/** A file for the visitor. */
export interface Download {
  data: ArrayBuffer;
  mime: string;
  name: string;
}

/** Show one view alone, or all again. */
export interface Enlarge {
  kind: "enlarge";
  slot: number;
}

/** Compute the evidence for the star's labels. */
export interface Evidence {
  kind: "evidence";
}

/** Export the selected stars as a table. */
export interface Export {
  kind: "export";
  value: string;
}

/** Export the whole record. */
export interface ExportRecord {
  kind: "export_record";
}

/** Export the verdicts of all campaigns. */
export interface ExportVerdicts {
  kind: "export_verdicts";
}

/** Select the stars that an expression fits. */
export interface Filter {
  kind: "filter";
  text: string;
}

/** Show one star. */
export interface Focus {
  kind: "focus";
  obsid: string;
}

/** Remove a saved view. */
export interface ForgetView {
  kind: "forget_view";
  name: string;
}

/** Write a release; with the reason to do so despite failed physics checks. */
export interface Freeze {
  kind: "freeze";
  name: string;
  despite?: string;
}

/** A release that was written. */
export interface Frozen {
  counts: Record<string, number>;
  folder: string;
  stars: number;
}

/** Show so many views. */
export interface Grid {
  kind: "grid";
  value: number;
}

/** Show gestures and shortcuts. */
export interface Help {
  kind: "help";
}

/** Show the whole range of every view. */
export interface Home {
  kind: "home";
}

/** Record a verdict on a star. */
export interface Judge {
  kind: "judge";
  id: string;
  star: string;
  verdict: number;
  flags: string[];
  note: string;
  campaign?: string | null;
  proposal?: Record<string, number | string> | null;
}

/** Name the selection. */
export interface Keep {
  kind: "keep";
  name: string;
}

/** A link that was made. */
export interface Link {
  token: string;
}

/** Views were panned, zoomed or resized. */
export interface Look {
  kind: "look";
  views: ViewSize[];
}

/** Select the stars of a list: a file in base64, or one that was uploaded in parts. */
export interface Members {
  kind: "members";
  size: number;
  data?: string | null;
  upload?: string | null;
}

/** Merge the record of another server: a file in base64, or one that was uploaded in parts. */
export interface Merge {
  kind: "merge";
  size: number;
  data?: string | null;
  upload?: string | null;
}

/** What a merged record brought. */
export interface Merged {
  refused: string[];
  summary: string;
}

/** Choose how a gesture changes the selection. */
export interface Mode {
  kind: "mode";
  value: string;
}

/** List what can be exported. */
export interface More {
  kind: "more";
}

/** A closed outline that was drawn, in data coordinates. */
export interface Outline {
  type: "poly";
  x: number[];
  y: number[];
}

/** Turn the table to another page. */
export interface Page {
  kind: "page";
  by: "first" | "last" | number;
}

/** The views of the first page are drawn. */
export interface Painted {
  kind: "painted";
}

/** Export a figure of the paper. */
export interface Paper {
  kind: "paper";
  key: string;
  form: string;
}

/** Show another slice of the disc. */
export interface Part {
  kind: "part";
  slot: number;
  part: number;
}

/** Export the picture of a view. */
export interface Picture {
  kind: "picture";
  slot: number;
  form: string;
}

/** Keep the last fit as a proposal. */
export interface Propose {
  kind: "propose";
  why: string;
}

/** A proposal that was kept. */
export interface Proposed {
  json: string;
  obsid: string;
  why: string;
}

/** A part of a record that is merged, in base64. */
export interface RecordPart {
  kind: "record_part";
  upload: string;
  part: number;
  data: string;
}

/** A rectangle that was drawn, in data coordinates. */
export interface Rectangle {
  type: "rect";
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

/** Repeat what was undone. */
export interface Redo {
  kind: "redo";
}

/** Fit the star again. */
export interface Refit {
  kind: "refit";
  fixed: Record<string, number>;
  fit_rv: boolean;
  masked: [number, number][];
}

/** A region was drawn in a view. */
export interface Region {
  kind: "region";
  slot: number;
  geometry: Rectangle | Outline;
  keys?: ("ctrl" | "shift")[];
}

/** Send the selected stars to programs on this machine. */
export interface Samp {
  kind: "samp";
}

/** Save the view under a name. */
export interface SaveView {
  kind: "save_view";
  name: string;
}

/** Make a link to what is on screen. */
export interface Share {
  kind: "share";
}

/** Open or close the panel of filters and subsets. */
export interface Side {
  kind: "side";
  open?: boolean | null;
}

/** The model at the labels of the sliders. */
export interface Slid {
  model: unknown;
  number: number;
  obsid: string;
}

/** Draw the model at the labels of the sliders; None where a slider has no value. */
export interface Slide {
  kind: "slide";
  labels: Record<string, number | null>;
  number: number;
}

/** Sort the table by a column, or the other way round. */
export interface Sort {
  kind: "sort";
  column: string;
}

/** How the spectrum is shown. */
export interface SpectrumLook {
  lines: boolean;
  model: boolean;
  residual: boolean;
  raw: boolean;
  observed: boolean;
  smooth: number;
  compare: string;
}

/** Export the spectrum, or its picture. */
export interface StarFile {
  kind: "star_file";
  form: string;
  ends: [number, number];
  look: SpectrumLook;
  masked?: [number, number][];
  trial?: Record<string, number | null> | null;
  pins?: string[];
}

/** Show the star of an obsid. */
export interface StarFind {
  kind: "star_find";
  text: string;
}

/** Show the star alone, or beside the views. */
export interface StarPage {
  kind: "star_page";
  on: boolean;
}

/** Put another star's spectrum beside this one. */
export interface StarPin {
  kind: "star_pin";
  obsid: string;
}

/** Show the next or the previous star. */
export interface StarStep {
  kind: "star_step";
  by: number;
  unvetted?: boolean;
}

/** Start a campaign on the selection. */
export interface Start {
  kind: "start";
  name: string;
  stars: number;
  rules?: string;
}

/** Use, show or remove a named subset. */
export interface Subset {
  kind: "subset";
  name: string;
  action: string;
}

/** Show another view in a place of the grid. */
export interface Swap {
  kind: "swap";
  slot: number;
  view: string;
}

/** Show or hide a layer of a view. */
export interface Switch {
  kind: "switch";
  slot: number;
  name: string;
  on: boolean;
}

/** A view was clicked. */
export interface Tap {
  kind: "tap";
  slot: number;
  x: number;
  y: number;
  keys?: ("ctrl" | "shift")[];
}

/** Colours of figures. */
export interface Theme {
  accent: string;
  background: string;
  dark: boolean;
  grid: string;
  text: string;
}

/** Choose what a drag does. */
export interface Tool {
  kind: "tool";
  value: string;
}

/** Return to the selection before. */
export interface Undo {
  kind: "undo";
}

/** What the server sends: any of these fields, all of one message at the same moment. */
export interface Update {
  adjudicate?: Record<string, unknown>;
  ahead?: Record<string, unknown>[];
  alike?: Alikes;
  applied?: boolean;
  campaigns?: Record<string, unknown>;
  closed?: string;
  colours?: Record<string, unknown>;
  columns?: Record<string, unknown>;
  counts?: Counts;
  download?: Download;
  evidence?: Record<string, unknown>;
  fitted?: Record<string, number>;
  focus?: unknown[][];
  frozen?: Frozen;
  help?: Record<string, unknown>;
  home?: boolean;
  layers?: Record<string, unknown>[];
  legend?: unknown;
  link?: Link;
  may?: boolean;
  merged?: Merged;
  more?: Record<string, unknown>;
  notes?: unknown[][];
  out_of_reach?: string;
  pinned?: Record<string, unknown>;
  pixels?: ArrayBuffer;
  posterior?: Record<string, unknown>;
  proposed?: Proposed;
  refit?: Record<string, unknown>;
  refusal?: string;
  refused?: string;
  reload?: boolean;
  resume?: string;
  saved?: string;
  say?: string;
  side?: Record<string, unknown>;
  slid?: Slid;
  stage?: Record<string, unknown>;
  star?: Record<string, unknown>;
  star_page?: boolean;
  star_setup?: Record<string, unknown>;
  status?: Record<string, unknown>;
  stays?: boolean;
  switched?: unknown[];
  table?: Record<string, unknown>;
  theme?: boolean | Theme;
  tool?: string;
  toolbar?: Record<string, unknown>;
  tour?: unknown[];
  vet?: Record<string, unknown>;
  who?: string;
}

/** A part of a file, in base64. */
export interface Upload {
  kind: "upload";
  upload: string;
  part: number;
  data: string;
}

/** Select the stars of a list of verdicts. */
export interface Verdicts {
  kind: "verdicts";
  name: string;
}

/** Give the verdict again that was taken back. */
export interface VetRedo {
  kind: "vet_redo";
  id: string;
}

/** Take the last verdict back. */
export interface VetUndo {
  kind: "vet_undo";
  id: string;
}

/** Show a saved view. */
export interface View {
  kind: "view";
  name: string;
}

/** What one view of the grid shows: its window in data coordinates and its size in pixels. */
export interface ViewSize {
  slot: number;
  window: [number, number, number, number];
  width: number;
  height: number;
}

export type RequestKind =
  "connect" |
  "painted" |
  "look" |
  "region" |
  "tap" |
  "swap" |
  "axis" |
  "switch" |
  "part" |
  "enlarge" |
  "grid" |
  "home" |
  "tool" |
  "mode" |
  "colour" |
  "undo" |
  "redo" |
  "clear" |
  "help" |
  "page" |
  "sort" |
  "focus" |
  "side" |
  "check" |
  "filter" |
  "keep" |
  "subset" |
  "categories" |
  "upload" |
  "members" |
  "verdicts" |
  "save_view" |
  "view" |
  "forget_view" |
  "more" |
  "share" |
  "export" |
  "samp" |
  "picture" |
  "paper" |
  "star_step" |
  "star_find" |
  "star_pin" |
  "star_page" |
  "star_file" |
  "slide" |
  "refit" |
  "propose" |
  "evidence" |
  "alike" |
  "alike_select" |
  "campaign" |
  "judge" |
  "vet_undo" |
  "vet_redo" |
  "case" |
  "start" |
  "export_record" |
  "export_verdicts" |
  "record_part" |
  "merge" |
  "freeze" |
  "apply" |
  "again" |
  "configuration";

export type Request =
  Connect |
  Painted |
  Look |
  Region |
  Tap |
  Swap |
  Axis |
  Switch |
  Part |
  Enlarge |
  Grid |
  Home |
  Tool |
  Mode |
  Colour |
  Undo |
  Redo |
  Clear |
  Help |
  Page |
  Sort |
  Focus |
  Side |
  Check |
  Filter |
  Keep |
  Subset |
  Categories |
  Upload |
  Members |
  Verdicts |
  SaveView |
  View |
  ForgetView |
  More |
  Share |
  Export |
  Samp |
  Picture |
  Paper |
  StarStep |
  StarFind |
  StarPin |
  StarPage |
  StarFile |
  Slide |
  Refit |
  Propose |
  Evidence |
  Alike |
  AlikeSelect |
  Campaign |
  Judge |
  VetUndo |
  VetRedo |
  Case |
  Start |
  ExportRecord |
  ExportVerdicts |
  RecordPart |
  Merge |
  Freeze |
  Apply |
  Again |
  Configuration;
