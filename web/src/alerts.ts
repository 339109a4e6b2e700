/** Sounds and desktop notifications, which the visitor can turn on. */
import { get, set } from "./storage.ts";
import { state } from "./state.ts";

export const canNotify = "Notification" in globalThis;
const isPermitted = () => canNotify && Notification.permission === "granted";

export const alerts = state({
  sound: get("souk.sound") === "on",
  desktop: get("souk.desktop") === "on" && isPermitted(),
});

export function setSound(isOn: boolean): void {
  set("souk.sound", isOn ? "on" : "off");
  alerts.set({ ...alerts.get(), sound: isOn });
  if (isOn) playChime();
}

/** Asks the visitor for the browser's permission, if that was not decided before. */
export async function setDesktop(isOn: boolean): Promise<void> {
  const desktop = isOn && canNotify && (await Notification.requestPermission()) === "granted";
  set("souk.desktop", desktop ? "on" : "off");
  alerts.set({ ...alerts.get(), desktop });
}

interface Message {
  id: string;
  title: string;
  detail: string;
}

/** The time during which the other open tabs do not repeat an alert. */
const oneTabMs = 2_000;

/** Alerts in one of the open tabs. */
export async function alert({ id, title, detail }: Message): Promise<void> {
  const { sound, desktop } = alerts.get();
  if (!sound && !(desktop && document.hidden)) return;
  const alertIfFirst = async (lock: unknown) => {
    if (!lock) return;
    const notify = async () =>
      desktop &&
      document.hidden &&
      new Notification(title, { body: detail, tag: id, icon: "/assets/icon.svg" });
    const play = async () => sound && playChime();
    // Each can fail by itself: phones have no such notifications, and some devices no sound.
    await Promise.allSettled([notify(), play()]);
    await new Promise((resolve) => setTimeout(resolve, oneTabMs));
  };
  await (navigator.locks
    ? navigator.locks.request(`souk.alert.${id}`, { ifAvailable: true }, alertIfFirst)
    : alertIfFirst(true));
}

/** Frequency in Hz and start in seconds of each tone. */
const tones = [
  [1046, 0],
  [1568, 0.14],
] as const;
let audio: AudioContext | undefined;

function playChime(): void {
  audio ??= new AudioContext();
  void audio.resume();
  for (const [frequency, delay] of tones) {
    const start = audio.currentTime + delay;
    const tone = new OscillatorNode(audio, { frequency, type: "triangle" });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0.12, start);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.7);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.75);
  }
}
