// For browsers that the viewer's script is too new for, or does not reach: says so, instead of nothing. In the language of
// 2009, and deferred behind viewer.js, so that it runs when that has run or has failed.

(function (): void {
  var letter = document.getElementById("letter");
  if (!letter || letter.getAttribute("data-state")) return;

  /** Shows the first of these sections that the page has. */
  function show(root: HTMLElement, states: string[]): void {
    for (var i = 0; i < states.length; i += 1) {
      var section = root.querySelector('[data-when="' + states[i] + '"]');
      if (!section) continue;
      section.removeAttribute("hidden");
      root.setAttribute("data-state", String(states[i]));
      break;
    }
    var buttons = root.querySelectorAll(".acts [data-download]");
    for (var j = 0; j < buttons.length; j += 1) (buttons[j] as HTMLElement).style.display = "none";
  }

  function tooOld(root: HTMLElement): void {
    if (!root.getAttribute("data-state")) show(root, ["unsupported", "old-browser"]);
  }

  var found = letter;
  var again = document.createElement("script");
  if (!("noModule" in again)) return tooOld(found);
  // Either the script did not arrive or its language is too new: asking once more tells which.
  again.type = "module";
  again.src = "/assets/viewer.js?again";
  again.onload = function (): void {
    tooOld(found);
  };
  again.onerror = function (): void {
    show(found, ["offline"]);
    var retry = found.querySelector('[data-when="offline"] [data-retry]');
    if (retry) {
      retry.addEventListener("click", function (): void {
        location.reload();
      });
    }
  };
  document.head.appendChild(again);
})();
