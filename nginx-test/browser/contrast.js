// Texts on this page whose contrast is below WCAG's AA for normal text, as [ratio, text].
const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
const luminance = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);

function background(element) {
  for (let one = element; one; one = one.parentElement) {
    const colour = parts(getComputedStyle(one).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  throw new Error("the page has no background");
}

return [...document.body.querySelectorAll("*")]
  .filter((one) => one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((one) => {
    const [dark, light] = [luminance(parts(getComputedStyle(one).color)), luminance(background(one))].sort((a, b) => a - b);
    return [(light + 0.05) / (dark + 0.05), one.textContent.trim()];
  })
  .filter(([ratio]) => ratio < 4.5);
