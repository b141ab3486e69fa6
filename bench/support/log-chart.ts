/** A line of a chart; those of one `color` belong together. */
export interface ChartSeries {
  name: string
  color: number
  isDashed: boolean
  points: readonly { x: number; y: number }[]
}

/** Lines over two logarithmic axes; the axes name their units. */
export interface LogChart {
  title: string
  xLabel: string
  yLabel: string
  series: readonly ChartSeries[]
}

const WIDTH = 960
const HEIGHT = 520
const PLOT = { left: 76, right: 660, top: 48, bottom: 456 }
const LEGEND = { x: 684, y: 72, step: 24, sample: 32 }
const DOT = 3.5
/** Of middle lightness: to be told apart on white and on black. */
const COLORS = ['#2f81f7', '#2da44e', '#e5534b', '#d18616', '#a371f7', '#7d8590']
const STYLE = `
  text { fill: #1f2328; font: 13px system-ui, sans-serif }
  .title { font-size: 16px; font-weight: 600 }
  .paper { fill: #ffffff }
  .grid { stroke: #d1d9e0 }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .paper { fill: #0d1117 }
    .grid { stroke: #30363d }
  }
`

/** The chart as an SVG that follows the reader's light or dark theme. Every value must be above zero. */
export function drawLogChart({ title, xLabel, yLabel, series }: LogChart): string {
  const points = series.flatMap((line) => line.points)
  const x = logScale(
    points.map((point) => point.x),
    PLOT.left,
    PLOT.right,
  )
  const y = logScale(
    points.map((point) => point.y),
    PLOT.bottom,
    PLOT.top,
  )
  const middle = (PLOT.top + PLOT.bottom) / 2
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(title)}">
<style>${STYLE}</style>
<rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="${PLOT.left}" y="28">${escapeXml(title)}</text>
${x.ticks.map((tick) => verticalLine(x.at(tick), tick)).join('\n')}
${y.ticks.map((tick) => horizontalLine(y.at(tick), tick)).join('\n')}
<text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 44}" text-anchor="middle">${escapeXml(xLabel)}</text>
<text x="20" y="${middle}" text-anchor="middle" transform="rotate(-90 20 ${middle})">${escapeXml(yLabel)}</text>
${series.map((line) => drawLine(line, x.at, y.at)).join('\n')}
${series.map(legendEntry).join('\n')}
</svg>
`
}

interface Scale {
  at(value: number): number
  /** The powers of ten from below the least value to above the greatest. */
  ticks: number[]
}

function logScale(values: readonly number[], from: number, to: number): Scale {
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))))
  return {
    at: (value) => round(from + ((Math.log10(value) - first) / (last - first)) * (to - from)),
    ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
  }
}

function verticalLine(x: number, tick: number): string {
  return `<line class="grid" x1="${x}" x2="${x}" y1="${PLOT.top}" y2="${PLOT.bottom}"/>
<text x="${x}" y="${PLOT.bottom + 20}" text-anchor="middle">${tickText(tick)}</text>`
}

function horizontalLine(y: number, tick: number): string {
  return `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y}" y2="${y}"/>
<text x="${PLOT.left - 8}" y="${y + 4}" text-anchor="end">${tickText(tick)}</text>`
}

function drawLine({ points, ...look }: ChartSeries, x: Scale['at'], y: Scale['at']): string {
  const places = points.map((point) => ({ x: x(point.x), y: y(point.y) }))
  const path = places.map((place) => `${place.x},${place.y}`).join(' ')
  const dots = places.map((place) => `<circle cx="${place.x}" cy="${place.y}" r="${DOT}" fill="${colorOf(look)}"/>`)
  return `<polyline class="line" points="${path}" ${strokeOf(look)}/>${dots.join('')}`
}

function legendEntry({ name, ...look }: ChartSeries, index: number): string {
  const y = LEGEND.y + index * LEGEND.step
  const end = LEGEND.x + LEGEND.sample
  return `<line class="line" x1="${LEGEND.x}" x2="${end}" y1="${y}" y2="${y}" ${strokeOf(look)}/>
<text x="${end + 8}" y="${y + 4}">${escapeXml(name)}</text>`
}

type Look = Pick<ChartSeries, 'color' | 'isDashed'>

function strokeOf({ color, isDashed }: Look): string {
  return `stroke="${colorOf({ color })}"${isDashed ? ' stroke-dasharray="6 5"' : ''}`
}

function colorOf({ color }: Pick<Look, 'color'>): string {
  return COLORS[color % COLORS.length] ?? ''
}

function tickText(tick: number): string {
  return tick.toLocaleString('en', { maximumSignificantDigits: 1 })
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
