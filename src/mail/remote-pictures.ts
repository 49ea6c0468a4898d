const remote = /^\s*(?:https?:)?\/\//i;

/** Whether an email has pictures from other hosts: loading them tells these who reads it, and when. */
export function hasRemotePictures(html: string): boolean {
  for (const [, value = ""] of html.matchAll(
    /(?:\b(?:src|background|poster)\s*=\s*["']?|url\(\s*["']?)([^"'\s>)]{0,12})/gi,
  )) {
    if (remote.test(value)) return true;
  }
  return false;
}
