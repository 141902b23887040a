// Runs the lessons' widgets without a kernel: each is an anywidget (anywidget.dev), a module with
// `render({model, el})`. What would ask the kernel is switched off and says so.
(() => {
  const page = window.mamlPage;
  const loaded = new Map();

  function load(name) {
    if (!loaded.has(name)) {
      const file = new Blob([window.mamlModules[name]], { type: "text/javascript" });
      loaded.set(name, import(URL.createObjectURL(file)));
    }
    return loaded.get(name);
  }

  function bytesOf(base64) {
    return new DataView(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
  }

  function modelOf(state, bytes) {
    const listeners = new Map();
    const values = { ...state };
    for (const [name, base64] of Object.entries(bytes)) values[name] = bytesOf(base64);
    return {
      get: (name) => values[name],
      set(name, value) {
        if (values[name] === value) return;
        values[name] = value;
        for (const listener of listeners.get(`change:${name}`) ?? []) listener();
      },
      on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
      off: (event, listener) =>
        listeners.set(event, (listeners.get(event) ?? []).filter((other) => other !== listener)),
      save_changes() {},
      send() {},
    };
  }

  function switchOff(el) {
    const controls = el.querySelectorAll(
      ".maml-control, .maml-draw input:not(.maml-step), .maml-draw button:not(.maml-play)",
    );
    for (const control of controls) control.disabled = true;
    const note = document.createElement("p");
    note.className = "needs-kernel";
    note.append(
      "What is greyed out here runs the network anew, which needs a kernel: open this lesson in ",
      link("Binder", page.binder), " or ", link("Colab", page.colab), ".",
    );
    el.append(note);
  }

  function link(text, href) {
    const a = document.createElement("a");
    a.href = href;
    a.textContent = text;
    return a;
  }

  async function show(place) {
    const { module, asks, state, bytes } = page.models[place.dataset.model];
    const still = [...place.childNodes];
    const el = document.createElement("div");
    place.append(el);
    try {
      const { default: widget } = await load(module);
      const model = modelOf(state, bytes);
      await widget.initialize?.({ model });
      await widget.render({ model, el });
      for (const node of still) node.remove();
      if (asks && (state.controls?.length || module === "draw")) switchOff(el);
    } catch (error) {
      el.remove(); // the picture stays
      console.error(error);
    }
  }

  // The widgets know JupyterLab's word for a dark page.
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function theme() {
    const { theme } = document.body.dataset;
    const isDark = theme === "dark" || (theme !== "light" && dark.matches);
    document.body.dataset.jpThemeLight = String(!isDark);
  }
  theme();
  dark.addEventListener("change", theme);
  new MutationObserver(theme).observe(document.body, { attributeFilter: ["data-theme"] });
  for (const place of document.querySelectorAll(".maml-live")) show(place);
})();
