// Everything that a person reads, in Korean and English.

const WORDS = {
  ko: {
    ok: "정상", degraded: "일부 이상", down: "중단", unknown: "확인 중", unreachable: "서버 응답 없음",
    MONITORED: "감시 중", DEGRADED: "감지 이상", UNMONITORED: "감시 안 됨", CONNECTING: "연결 중", DISABLED: "꺼짐", LOST: "화면 연결 끊김",
    cameras: "카메라", events: "최근 이벤트", noEvents: "아직 이벤트가 없습니다.", noCameras: "등록된 카메라가 없습니다.",
    noCameraList: "카메라 목록을 가져올 수 없습니다. 다시 시도합니다.",
    since: "{t}부터", lastLooked: "마지막 추론 {s}초 전", neverLooked: "추론 없음", fps: "{n} fps",
    notSafe: "이 구역은 지금 보이지 않습니다. 안전하다고 볼 수 없습니다.",
    pageBlind: "이 화면이 카메라 영상을 받지 못하고 있습니다.", noDetection: "영상만 표시 — 감지가 작동하지 않습니다",
    open: "진행 중", escalated: "심각해짐", closed: "종료", INFO: "정보", WARNING: "주의", CRITICAL: "위험",
    live: "실시간", waiting: "연결 중", away: "데이터베이스 응답 없음", lost: "연결 끊김",
    pending: "사진 저장 중", lostPicture: "사진 없음", danger: "위험 구역", warning: "주의 구역",
    wholePicture: "화면 전체", criticalOpen: "위험 {n}건 진행 중", lasted: "{s}초 지속",
    acknowledge: "확인했습니다", acknowledged: "확인됨", acknowledgedBy: "{who} 확인", notAcknowledged: "처리하지 못했습니다. 다시 시도",
    newerNews: "상황이 바뀌었습니다. 보고 다시 확인",
    yourName: "이름", kind_opened: "발생", kind_escalated: "심각해짐", kind_closed: "종료",
    message_waiting: "대기", message_sending: "보내는 중", message_sent: "보냄", message_accepted: "전달됨",
    message_acknowledged: "확인함", message_failed: "실패", message_cancelled: "취소", message_muted: "알림 꺼짐",
  },
  en: {
    ok: "All well", degraded: "Degraded", down: "Down", unknown: "Checking", unreachable: "Server does not answer",
    MONITORED: "Monitored", DEGRADED: "Degraded", UNMONITORED: "Unmonitored", CONNECTING: "Connecting", DISABLED: "Disabled", LOST: "Connection lost",
    cameras: "Cameras", events: "Latest events", noEvents: "No events yet.", noCameras: "No camera is set up.",
    noCameraList: "The list of cameras cannot be had. Trying again.",
    since: "since {t}", lastLooked: "last inference {s} s ago", neverLooked: "no inference yet", fps: "{n} fps",
    notSafe: "Nobody sees this zone now. Do not take it for safe.",
    pageBlind: "This page gets no picture of the camera.", noDetection: "Video only — detection is not working",
    open: "Open", escalated: "Escalated", closed: "Closed", INFO: "Info", WARNING: "Warning", CRITICAL: "Critical",
    live: "Live", waiting: "Connecting", away: "Database does not answer", lost: "Connection lost",
    pending: "Picture on its way", lostPicture: "No picture", danger: "danger zone", warning: "warning zone",
    wholePicture: "whole picture", criticalOpen: "{n} critical open", lasted: "lasted {s} s",
    acknowledge: "I acknowledge", acknowledged: "Acknowledged", acknowledgedBy: "Acknowledged by {who}", notAcknowledged: "That did not work. Try again",
    newerNews: "There is newer news. Look, then acknowledge",
    yourName: "Your name", kind_opened: "opened", kind_escalated: "became worse", kind_closed: "ended",
    message_waiting: "waiting", message_sending: "being sent", message_sent: "sent", message_accepted: "delivered",
    message_acknowledged: "acknowledged", message_failed: "failed", message_cancelled: "cancelled", message_muted: "muted",
  },
};

const TYPES = {
  DANGER_ZONE_INTRUSION: ["위험 구역 침입", "Danger zone intrusion"],
  WARNING_ZONE_INTRUSION: ["주의 구역 진입", "Warning zone intrusion"],
  ZONE_DWELL: ["구역 내 장시간 체류", "Staying too long in a zone"],
  PERSON_ENTRANCE: ["사람 입장", "Person entered"],
  PERSON_EXIT: ["사람 퇴장", "Person left"],
  PERSON_FALLEN: ["사람 쓰러짐", "Person fallen"],
  CAMERA_UNMONITORED: ["카메라 감시 안 됨", "Camera unmonitored"],
  CAMERA_DEGRADED: ["카메라 감지 이상", "Camera degraded"],
};

const OBJECTS = {
  person: ["사람", "Person"], fallen_person: ["쓰러진 사람", "Fallen person"], helmet: ["안전모", "Helmet"],
  vest: ["안전 조끼", "Vest"], mask: ["마스크", "Mask"], gloves: ["장갑", "Gloves"], boots: ["안전화", "Boots"],
  goggles: ["보안경", "Goggles"], machinery: ["기계", "Machinery"], vehicle: ["차량", "Vehicle"],
  safety_cone: ["안전 고깔", "Safety cone"], fire_extinguisher: ["소화기", "Fire extinguisher"],
};

const KEY = "safe-yolo-language";
let language = remembered() || (navigator.language.startsWith("ko") ? "ko" : "en");

function remembered() {
  try { return ["ko", "en"].find((known) => known === localStorage.getItem(KEY)); } catch { return undefined; }
}

export const currentLanguage = () => language;
export const otherLanguage = () => (language === "ko" ? "en" : "ko");

export function setLanguage(name) {
  language = name;
  try { localStorage.setItem(KEY, name); } catch { /* a browser that keeps nothing still shows everything */ }
}

export function say(key, values = {}, inLanguage = language) {
  const text = WORDS[inLanguage][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

const pick = (pair) => pair[language === "ko" ? 0 : 1];

export function sayObject(label) {
  return OBJECTS[label] ? pick(OBJECTS[label]) : label;
}

export function sayType(type) {
  if (TYPES[type]) return pick(TYPES[type]);
  const missing = /^(?:PPE_)?(\w+)_MISSING$/.exec(type);
  if (!missing) return type;
  const what = sayObject(missing[1].toLowerCase());
  if (type.startsWith("PPE_")) return language === "ko" ? `${what} 미착용` : `${what} not worn`;
  return language === "ko" ? `${what} 없음` : `${what} missing`;
}

export function sayTime(iso, withDate = false) {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return "";
  const today = moment.toDateString() === new Date().toDateString();
  const date = withDate || !today ? { month: "short", day: "numeric" } : {};
  return moment.toLocaleString(language, { ...date, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}
