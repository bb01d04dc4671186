// Levels of the server as pixels and colours.

// Decode and colour in one pass: a byte above 0 is a level, 0 and n stand for n + 1 empty pixels.
export function unpacked(packed, [height, width], palette) {
  const image = new Uint32Array(width * height)
  let pixel = 0
  for (let at = 0; at < packed.length; at++) {
    const level = packed[at]
    if (level) image[pixel++] = palette[level]
    else pixel += packed[++at] + 1
  }
  image.dimension = 2 // what Bokeh asks of an image
  image.shape = [height, width]
  return image
}

export function css(palette, level) {
  const [red, green, blue, opacity] = new Uint8Array(palette.buffer, 4 * level, 4)
  return `rgba(${red}, ${green}, ${blue}, ${opacity / 255})`
}
