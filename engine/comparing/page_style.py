"""How the page looks: no script, nothing from the network, light or dark as the reader's system is."""

STYLE = """
:root { color-scheme: light dark; --paper: #fbfbf9; --card: #fff; --ink: #1c1e21; --soft: #666b73; --line: #e2e2dd;
  --a: #a2541a; --b: #1f5fa8; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --card: #1f2228; --ink: #e6e7e9; --soft: #9aa0aa;
  --line: #32363e; --a: #f0a35e; --b: #78b4f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2.5rem 0 .8rem; }
p { margin: .3rem 0; } .soft, caption, figcaption { color: var(--soft); }
.a { color: var(--a); } .b { color: var(--b); } b.a, b.b { padding-right: .3em; }
.cards { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.5rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .7rem 1.1rem;
  flex: 1 1 8rem; }
.card strong { display: block; font-size: 1.35rem; font-weight: 600; white-space: nowrap; }
.card span { color: var(--soft); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } td.n, th.n { text-align: right; white-space: nowrap; }
td { overflow-wrap: anywhere; } thead th { color: var(--soft); font-weight: 500; }
code { font: .9em ui-monospace, monospace; white-space: pre-wrap; }
.pair { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 1rem 0; }
.pair header { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin-bottom: .7rem; }
.pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: .8rem; }
figure { margin: 0; min-width: 0; }
figure img { display: block; width: 100%; height: auto; border-radius: .3rem; }
img.small { image-rendering: pixelated; }
.flip + figure img { position: relative; pointer-events: none; }
.flip:hover + figure img, .flip:focus + figure img { transform: translateX(calc(-100% - .8rem)); }
@media (max-width: 40rem) { .pictures { grid-template-columns: 1fr; }
  .flip:hover + figure img, .flip:focus + figure img { transform: none; } }
figcaption { font-size: .85rem; padding-top: .3rem; overflow-wrap: anywhere; }
footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
"""
